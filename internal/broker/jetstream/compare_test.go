package jetstream

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/wsedge/wsedge/internal/broker"
)

// openMany opens that many channels, each with one publication of so many bytes.
func openMany(t testing.TB, e *Engine, n, bytes int, r broker.Retention) (logs []*log) {
	t.Helper()
	var group sync.WaitGroup
	data := strings.Repeat("x", bytes)
	for i := range n {
		l := e.Open(fmt.Sprint("many:", i), r, discard{}).(*log)
		logs = append(logs, l)
		group.Add(2)
		l.Position(func(_ broker.Position, err error) {
			defer group.Done()
			if err != nil {
				t.Error(err)
			}
			answer := func(_ broker.Result, err error) {
				defer group.Done()
				if err != nil {
					t.Error(err)
				}
			}
			if _, err := l.Publish(&broker.Publication{Data: []byte(data)}, answer); err != broker.ErrPending {
				answer(broker.Result{}, err)
			}
		})
	}
	group.Wait()
	return logs
}

// compareNow compares all positions, and waits until each log knows.
func compareNow(t testing.TB, s *stream, logs []*log) {
	t.Helper()
	before := time.Now()
	s.compare(1 << 62)
	awaitThat(t, "all are compared", func() bool {
		for _, l := range logs {
			l.mu.Lock()
			known := l.verifiedAt.After(before)
			l.mu.Unlock()
			if !known {
				return false
			}
		}
		return true
	})
}

// Channels in which nothing was published since the last comparison cost next to nothing, and a lost tail is found among them.
func TestComparingQuietChannels(t *testing.T) {
	const n, bytes = 1000, 1 << 10
	server := natsServer(t)
	e := connect(t, server, Config{Prefix: "quiet", SyncInterval: time.Hour, Timeout: patience}) // all are opened at once
	logs := openMany(t, e, n, bytes, broker.Retention{})
	s := logs[0].stream
	compareNow(t, s, logs)
	before := e.link.nc.Stats().InBytes
	compareNow(t, s, logs)
	if got := e.link.nc.Stats().InBytes - before; got > n*10 {
		t.Errorf("%d bytes for %d channels", got, n)
	}
	deaf(t, logs[7])
	p := newPublisher()
	p.run(connect(t, server, Config{Prefix: "quiet"}).Open("many:7", broker.Retention{}, newJournal(t)), "x", 1, 1)
	s.compare(1 << 62)
	awaitThat(t, "the tail is found", func() bool { return e.RemoteStats().Fetched == 1 })
}

// BenchmarkCompare compares 10,000 channels of 1 KB.
func BenchmarkCompare(b *testing.B) {
	e := connect(b, natsServer(b), Config{SyncInterval: time.Hour})
	logs := openMany(b, e, 10_000, 1<<10, broker.Retention{})
	compareNow(b, logs[0].stream, logs)
	in, out := e.link.nc.Stats().InBytes, e.link.nc.Stats().OutBytes
	for b.Loop() {
		compareNow(b, logs[0].stream, logs)
	}
	stats := e.link.nc.Stats()
	b.ReportMetric(float64(stats.InBytes-in)/float64(b.N), "B-received/op")
	b.ReportMetric(float64(stats.OutBytes-out)/float64(b.N), "B-sent/op")
}

// behindReplica has all direct gets of a stream answered as one that is far behind would.
func behindReplica(t *testing.T, s *stream) {
	t.Helper()
	nc := s.engine.link.nc
	js, err := nc.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	info, err := js.StreamInfo(s.name)
	if err != nil {
		t.Fatal(err)
	}
	info.Config.AllowDirect = false
	if _, err := js.UpdateStream(&info.Config); err != nil {
		t.Fatal(err)
	}
	_, err = nc.Subscribe("$JS.API.DIRECT.GET."+s.name, func(m *nats.Msg) {
		_ = m.RespondMsg(&nats.Msg{Header: nats.Header{"Status": {"404"}, "Description": {"Message Not Found"}}})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What no replica has that is asked is not taken for gone: the leader has it.
func TestHolesThatOnlyTheLeaderCanFill(t *testing.T) {
	server := natsServer(t)
	for _, kept := range []int{10, 2} {
		e := connect(t, server, Config{Prefix: fmt.Sprint("leader", kept), SyncInterval: time.Hour})
		j := newJournal(t)
		l := j.open(e, "news", broker.Retention{Size: kept}).(*log)
		p := newPublisher()
		p.run(l, "a", 1, 1)
		j.settle(p.acknowledged)
		behindReplica(t, l.stream)
		sub := make(chan *nats.Msg, 10)
		if _, err := e.link.nc.ChanSubscribe(l.is.out+"news", sub); err != nil {
			t.Fatal(err)
		}
		deaf(t, l)
		p.run(l, "b", 5, 1)
		var last *nats.Msg
		for range 5 {
			last = <-sub
		}
		e.deliver(last)
		told := j.settle(p.acknowledged)
		if gone := max(0, 5-(kept+1)); told != gone || j.twice() > 0 { // the stream keeps one more than is promised
			t.Errorf("%d announced as gone of %d kept, want %d", told, kept, gone)
		}
		l.Close()
	}
}
