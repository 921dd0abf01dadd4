package jetstream

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/broker/brokertest"
)

// Those who come back to the same place at the same time cost one question.
func TestRecoveriesAreShared(t *testing.T) {
	const clients = 100
	s := natsServer(t)
	e := connect(t, s, Config{})
	j := newJournal(t)
	l := j.open(e, "news", broker.Retention{Size: 10}).(*log)
	defer l.Close()
	p := newPublisher()
	p.run(l, "a", 1, 1)
	since := brokertest.Position(t, l)
	p.run(l, "b", 5, 1)
	j.settle(p.acknowledged)
	gate := make(chan struct{})
	e.link.say(op{say: func(*nats.Conn) error { <-gate; return nil }})
	before := asks(e)
	answers := make(chan broker.Past, clients)
	for range clients {
		l.Recover(broker.RecoverQuery{Since: &since, MaxBytes: 100}, func(past broker.Past, err error) {
			if err != nil {
				t.Error(err)
			}
			answers <- past
		})
	}
	if n := asks(e) - before; n != 1 {
		t.Errorf("%d questions", n)
	}
	close(gate)
	for range clients {
		if past := <-answers; !past.Exact || len(past.Publications) != 5 || past.Publications[0].Prev != since.Offset {
			t.Fatalf("%+v", past)
		}
	}
	if l.recovering != nil {
		t.Error("something is left")
	}
}

// asks is how many questions there have been.
func asks(e *Engine) uint64 {
	e.requests.mu.Lock()
	defer e.requests.mu.Unlock()
	return e.requests.next + uint64(len(e.requests.waiting))
}

// Nothing is given that is older than what is promised, although the stream still has it.
func TestAgeIsEnforced(t *testing.T) {
	s := natsServer(t)
	late := time.Duration(0)
	e := connect(t, s, Config{Now: func() time.Time { return time.Now().Add(late) }, SyncInterval: time.Hour})
	log := newJournal(t).open(e, "news", broker.Retention{Size: 10, Age: time.Hour})
	defer log.Close()
	p := newPublisher()
	p.run(log, "a", 1, 1)
	since := brokertest.Position(t, log)
	p.run(log, "b", 2, 1)
	q := broker.RecoverQuery{Since: &since, MaxBytes: 100, Latest: true}
	if got := brokertest.Recover(t, log, q); !got.Exact || len(got.Publications) != 2 {
		t.Errorf("%+v", got)
	}
	e.Close() // nobody else looks at the clock while it changes
	late = time.Hour
	e = connect(t, s, Config{Prefix: e.config.Prefix, Now: e.config.Now})
	log = newJournal(t).open(e, "news", broker.Retention{Size: 10, Age: time.Hour})
	defer log.Close()
	if got := brokertest.Recover(t, log, q); got.Exact || got.Publications != nil {
		t.Errorf("%+v", got)
	}
	if got := brokertest.History(t, log, broker.HistoryQuery{Limit: 10, MaxBytes: 100}); got.Publications != nil {
		t.Errorf("%+v", got)
	}
	present := brokertest.Position(t, log)
	if got := brokertest.Recover(t, log, broker.RecoverQuery{Since: &present, MaxBytes: 100}); !got.Exact {
		t.Errorf("%+v", got)
	}
}
