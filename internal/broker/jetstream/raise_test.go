package jetstream

import (
	"math"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/broker/brokertest"
)

// identityNow is what a stream is on the server.
func identityNow(t *testing.T, s *stream) (*identity, *nats.StreamInfo, nats.JetStreamContext) {
	t.Helper()
	js, err := s.engine.link.nc.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	info, err := js.StreamInfo(s.name)
	if err != nil {
		t.Fatal(err)
	}
	raised, err := strconv.ParseUint(info.Config.Metadata[metaRaised], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return &identity{perSubject: info.Config.MaxMsgsPerSubject, maxAge: info.Config.MaxAge, raised: raised}, info, js
}

// Nodes that promise different things at the same moment agree on what keeps all of it.
func TestLimitsRaisedAtOnce(t *testing.T) {
	server := natsServer(t)
	var nodes []*Engine
	for range 6 {
		nodes = append(nodes, connect(t, server, Config{Prefix: "atonce", SyncInterval: 50 * time.Millisecond}))
	}
	for round := range 3 {
		var group sync.WaitGroup
		for i, e := range nodes {
			group.Go(func() {
				newJournal(t).open(e, "news"+strconv.Itoa(round), broker.Retention{Size: 100*round + 10*i + 5, Age: time.Duration(10*round+i+1) * time.Hour})
			})
		}
		group.Wait()
		want := limitsOf(broker.Retention{Size: 100*round + 55, Age: time.Duration(10*round+6) * time.Hour})
		awaitThat(t, "the limits cover all, and hold from a sequence on", func() bool {
			is, _, _ := identityNow(t, nodes[0].streamOf("news"))
			return is.limits() == want && is.raised <= math.MaxUint64-marks
		})
	}
}

// A node that has gone while it raised limits leaves nothing undone for ever.
func TestMarkOfANodeThatHasGone(t *testing.T) {
	var late atomic.Int64
	e := connect(t, natsServer(t), Config{
		Prefix: "gone", SyncInterval: 20 * time.Millisecond, Now: func() time.Time { return time.Now().Add(time.Duration(late.Load())) },
	})
	newJournal(t).open(e, "news", broker.Retention{Size: 5})
	s := e.streamOf("news")
	_, info, js := identityNow(t, s)
	info.Config.Metadata[metaRaised] = strconv.FormatUint(math.MaxUint64-7, 10)
	if _, err := js.UpdateStream(&info.Config); err != nil {
		t.Fatal(err)
	}
	awaitThat(t, "it is settled", func() bool {
		late.Add(int64(time.Second))
		is, _, _ := identityNow(t, s)
		return is.raised < math.MaxUint64-marks
	})
}

// Limits that somebody lowers beneath a node prove nothing any more.
func TestLimitsLoweredByHand(t *testing.T) {
	server := natsServer(t)
	e := connect(t, server, Config{Prefix: "lowered", SyncInterval: time.Hour})
	j := newJournal(t)
	l := j.open(e, "news", broker.Retention{Size: 10}).(*log)
	_, info, js := identityNow(t, l.stream)
	info.Config.MaxMsgsPerSubject = 3
	if _, err := js.UpdateStream(&info.Config); err != nil {
		t.Fatal(err)
	}
	l.stream.mu.Lock()
	l.stream.wanted = limits{1, bareAge} // it was restarted with less
	l.stream.mu.Unlock()
	l.stream.check()
	awaitThat(t, "the node knows", func() bool { return l.stream.presently(l.is).perSubject == 3 })
	deaf(t, l)
	p := newPublisher()
	p.run(l, "x", 6, 1)
	l.catchUp()
	if told := j.settle(p.acknowledged); told != 3 {
		t.Errorf("%d announced as gone, want 3", told)
	}
}

// A stream that is made anew while somebody changes the one before does not go on in its epoch, as if nothing had been lost.
func TestMadeAnewWhileItIsChanged(t *testing.T) {
	e := connect(t, natsServer(t), Config{SyncInterval: time.Hour, FirstOffset: Config{}.withDefaults().FirstOffset})
	j := newJournal(t)
	l := j.open(e, "news", broker.Retention{Size: 10}).(*log)
	p := newPublisher()
	p.run(l, "a", 3, 1)
	was := brokertest.Position(t, l)
	s := l.stream
	found, is, err := s.look()
	if err != nil {
		t.Fatal(err)
	}
	_, _, js := identityNow(t, s)
	if err := js.DeleteStream(s.name); err != nil {
		t.Fatal(err)
	}
	awaitThat(t, "it is made anew", func() bool { // the server may still be removing the one before
		_, err := s.ensure(t.Context(), limits{1, bareAge})
		return err == nil
	})
	info, err := s.raise(t.Context(), found, limits{20, 0})
	if err != nil {
		t.Fatal(err)
	}
	now, err := s.identityOf(info)
	if err != nil || now.epoch == is.epoch || now.limits() != (limits{20, 0}) {
		t.Fatalf("%+v after %+v, %v", now, is, err)
	}
	s.check()
	awaitThat(t, "the log is in the new epoch", func() bool { return brokertest.Position(t, l).Epoch == now.epoch })
	if got := brokertest.Recover(t, l, broker.RecoverQuery{Since: &was, MaxBytes: 1000}); got.Exact {
		t.Errorf("%+v", got)
	}
	p.run(l, "b", 3, 1)
	j.settle(p.acknowledged)
}

// A position from in front of an epoch's beginning, as a slow client has it that comes from another epoch, proves nothing.
func TestPositionInFrontOfTheEpoch(t *testing.T) {
	e := connect(t, natsServer(t), Config{SyncInterval: time.Hour, FirstOffset: func() uint64 { return 1000 }})
	j := newJournal(t)
	l := j.open(e, "news", broker.Retention{Size: 10})
	p := newPublisher()
	p.run(l, "a", 3, 1)
	j.settle(p.acknowledged)
	for since, want := range map[uint64]bool{500: false, 998: false, 999: true, 1000: true} {
		at := broker.Position{Epoch: brokertest.Position(t, l).Epoch, Offset: since}
		if got := brokertest.Recover(t, l, broker.RecoverQuery{Since: &at, MaxBytes: 1000}); got.Exact != want {
			t.Errorf("from %d: %+v", since, got)
		}
		got := brokertest.History(t, l, broker.HistoryQuery{Since: &at, Limit: 10, MaxBytes: 1000})
		if got.Exact != want || len(got.Publications) == 0 || !want && got.Publications[0].Prev <= since {
			t.Errorf("history from %d: %+v", since, got)
		}
	}
}
