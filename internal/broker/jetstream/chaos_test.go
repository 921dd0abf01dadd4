package jetstream

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/wsedge/wsedge/internal/broker"
)

// What is republished comes twice, in the wrong order, or not at all: subscribers hear all of it, once and in order.
func TestDuplicatedReorderedAndLost(t *testing.T) {
	const n = 3000
	s := natsServer(t)
	for seed := range uint64(4) {
		random := rand.New(rand.NewPCG(seed, 1))
		prefix := fmt.Sprint("chaos", seed)
		e := connect(t, s, Config{Prefix: prefix, SyncInterval: 100 * time.Millisecond})
		j := newJournal(t)
		l := j.open(e, "news", broker.Retention{Size: n}).(*log)
		deaf(t, l)
		nc, err := nats.Connect("", nats.InProcessServer(s))
		if err != nil {
			t.Fatal(err)
		}
		var late []*nats.Msg
		_, err = nc.Subscribe(prefix+".out.>", func(m *nats.Msg) {
			switch dice := random.IntN(100); {
			case dice < 1: // lost
			case dice < 6: // twice
				e.deliver(m)
				e.deliver(m)
			case dice < 11: // later
				late = append(late, m)
			default:
				e.deliver(m)
			}
			if len(late) > 0 && random.IntN(4) == 0 {
				e.deliver(late[0])
				late = late[1:]
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := nc.Flush(); err != nil {
			t.Fatal(err)
		}
		p := newPublisher()
		p.run(connect(t, s, Config{Prefix: prefix}).Open("news", broker.Retention{Size: n}, newJournal(t)), "x", n, 8)
		if told := j.settle(p.acknowledged); told > 0 || len(p.acknowledged) != n || len(j.got) != n {
			t.Errorf("seed %d: %d acknowledged, %d delivered, %d announced as gone", seed, len(p.acknowledged), len(j.got), told)
		}
		stats := e.RemoteStats()
		if stats.Holes == 0 || stats.Duplicates == 0 || stats.Fetched == 0 {
			t.Errorf("seed %d: nothing went wrong: %+v", seed, stats)
		}
		nc.Close()
		l.Close()
	}
}

// deaf takes a log's own subscription away.
func deaf(t *testing.T, l *log) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		l.mu.Lock()
		sub := l.sub
		l.mu.Unlock()
		if sub != nil {
			if err := sub.Unsubscribe(); err != nil {
				t.Fatal(err)
			}
			return
		}
		if time.Now().After(end) {
			t.Fatal("it never subscribes")
		}
	}
}
