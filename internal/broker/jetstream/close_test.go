package jetstream

import (
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/wsedge/wsedge/internal/broker"
)

// Whoever asks an engine that is closed, or is about to be, gets an answer.
func TestAskingAClosedEngine(t *testing.T) {
	s := natsServer(t)
	e := connect(t, s, Config{})
	kept := broker.Retention{Size: 10, Cursors: 10}
	known := newJournal(t).open(e, "known", kept).(*log)
	answers := make(chan error, 10)
	note := func(err error) { answers <- err }

	// One that finds a replica behind reads again, when the engine is closed already.
	(&tail{log: known, is: known.is}).over(func() { t.Error("it reads again") }, func() { t.Error("it has gone") }, note)
	e.Close()

	unknown := e.Open("unknown", kept, newJournal(t))
	strange := connect(t, s, Config{})
	strange.Close()
	never := strange.Open("never", kept, newJournal(t))
	for _, log := range []broker.Log{unknown, never} {
		log.Position(func(_ broker.Position, err error) { note(err) })
		if err := log.Acknowledge("ann", 1, note); !errors.Is(err, broker.ErrPending) {
			note(err)
		}
		if _, err := log.Publish(&broker.Publication{Data: []byte("1")}, func(_ broker.Result, err error) { note(err) }); !errors.Is(err, broker.ErrPending) {
			note(err)
		}
	}
	for i := range 7 {
		select {
		case err := <-answers:
			if !errors.Is(err, ErrClosed) {
				t.Errorf("answer %d: %v", i, err)
			}
		case <-time.After(patience):
			t.Fatalf("only %d of 7 were answered", i)
		}
	}
}

// An engine whose server stands still says none of what is queued any more once it is closed.
func TestClosingLeavesTheQueue(t *testing.T) {
	e := connect(t, natsServer(t), Config{})
	gate, said := make(chan struct{}), 0
	inside := make(chan struct{})
	e.link.say(op{say: func(*nats.Conn) error { close(inside); <-gate; return nil }})
	<-inside
	busy := make(chan struct{})
	e.link.say(op{say: func(*nats.Conn) error {
		close(busy)
		awaitThat(t, "closed", func() bool { return ended(e.link) })
		return nil
	}})
	failed := 0
	for range 100 {
		e.link.say(op{say: func(*nats.Conn) error { said++; return nil }, failed: func(error) { failed++ }})
	}
	close(gate)
	<-busy
	e.Close()
	if said != 0 || failed != 100 {
		t.Errorf("%d were said, %d failed", said, failed)
	}
}

func ended(l *link) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ended
}

// What is published while the server does not read takes no more room than is allowed, however long that lasts.
func TestNothingPilesUpBehindAStalledServer(t *testing.T) {
	var late atomic.Int64
	e := connect(t, natsServer(t), Config{MaxPending: 8, Now: func() time.Time { return time.Now().Add(time.Duration(late.Load())) }})
	log := newJournal(t).open(e, "news", broker.Retention{})
	defer log.Close()
	gate, inside := make(chan struct{}), make(chan struct{})
	e.link.say(op{say: func(*nats.Conn) error { close(inside); <-gate; return nil }})
	<-inside
	p := newPublisher()
	for i := range 40 {
		done := make(chan error, 1)
		go func() { done <- p.publish(log, strconv.Itoa(i)) }()
		awaitThat(t, "it is under way, or refused", func() bool {
			count, _ := e.publishing.load()
			return count > 0 || len(done) > 0
		})
		late.Add(int64(2 * e.config.Timeout)) // what is under way has waited for too long
		if <-done == nil {
			t.Error(fmt.Sprint(i, " was published"))
		}
	}
	e.link.mu.Lock()
	queued := len(e.link.queue)
	e.link.mu.Unlock()
	close(gate)
	if queued > 8 {
		t.Errorf("%d publications are queued, of 8 that may be under way; failed %v", queued, p.failed)
	}
}

// What a node says last, such as that it ends, is heard by the others.
func TestLastWordsAreHeard(t *testing.T) {
	s := natsServer(t)
	a := connect(t, s, Config{Prefix: "words"})
	const nodes = 50
	heard := make(chan string, nodes)
	if err := a.Hear("all", func(data []byte) { heard <- string(data) }); err != nil {
		t.Fatal(err)
	}
	for n := range nodes {
		b := connect(t, s, Config{Prefix: "words"})
		b.Say("all", []byte(strconv.Itoa(n)))
		b.Close()
		select {
		case got := <-heard:
			if got != strconv.Itoa(n) {
				t.Fatalf("heard %s, want %d", got, n)
			}
		case <-time.After(patience):
			t.Fatalf("%d was not heard", n)
		}
	}
}
