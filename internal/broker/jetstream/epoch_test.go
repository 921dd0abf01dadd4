package jetstream

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/wsedge/wsedge/internal/broker"
)

// What was put off in one epoch is not done in the next, of which it is not known yet where it begins.
func TestRetriesEndWithTheirEpoch(t *testing.T) {
	e := connect(t, natsServer(t), Config{})
	l := newJournal(t).open(e, "news", broker.Retention{Size: 10}).(*log)
	defer l.Close()
	gate, inside := make(chan struct{}), make(chan struct{})
	e.link.say(op{say: func(*nats.Conn) error { close(inside); <-gate; return nil }})
	<-inside
	defer close(gate)
	next := *l.is
	next.epoch = "next"
	next.in, next.out = l.stream.subjects(next.epoch)
	was := l.is
	l.stream.mu.Lock()
	l.stream.is = &next
	l.stream.mu.Unlock()
	l.lost(&next)
	leaderSaid := func(is *identity) { l.leaderSaid(is, l.last+5, nil, false, nil) }
	for _, putOff := range []func(*identity){l.reread, leaderSaid} {
		putOff(was)
		l.mu.Lock()
		if !l.reading || l.again {
			t.Error("it reads before it is known where the epoch begins")
		}
		l.mu.Unlock()
	}
}

// What is known about now is no more than what was seen: an old publication, or the answer of a replica that is behind, says nothing about what came later.
func TestOldNewsProveNothing(t *testing.T) {
	e := connect(t, natsServer(t), Config{SyncInterval: time.Hour})
	j := newJournal(t)
	l := j.open(e, "news", broker.Retention{Size: 10, Age: time.Minute}).(*log)
	defer l.Close()
	p := newPublisher()
	p.run(l, "a", 2, 1)
	j.settle(p.acknowledged)
	now := time.Now()
	l.mu.Lock()
	l.verifiedAt = now.Add(-3 * time.Hour)
	l.take(&record{Publication: &broker.Publication{Data: []byte("old")}, seq: l.last + 1, prev: l.last, at: now.Add(-2 * time.Hour)})
	fresh, last := l.fresh(), l.last
	l.mu.Unlock()
	if fresh {
		t.Error("what was published two hours ago proves that nothing since then has gone, though all of that is kept for an hour")
	}
	l.compared(place{last - 1, last - 1, now})
	l.mu.Lock()
	fresh = l.fresh()
	l.mu.Unlock()
	if fresh {
		t.Error("a replica that is behind proves that nothing was published")
	}
	l.compared(place{last, last, now})
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.fresh() {
		t.Error("one that is not behind proves nothing")
	}
}
