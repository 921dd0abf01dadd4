package jetstream

import (
	"testing"

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
	for _, putOff := range []func(*identity){l.reread, l.resume} {
		putOff(was)
		l.mu.Lock()
		if !l.reading || l.again {
			t.Error("it reads before it is known where the epoch begins")
		}
		l.mu.Unlock()
	}
}
