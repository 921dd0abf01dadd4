package reactor

import (
	"context"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// With a spread the conns are closed in even slices, are served until their turn, and nobody new is let in meanwhile.
func TestShutdownIsSpread(t *testing.T) {
	const conns, span = 450, 5 // 450 conns at 1,000 a second: five ticks, of the hour that is allowed
	clock := newClock()
	s := serve(t, Config{Loops: 1, Handler: echo, now: clock.Now, DrainSpread: time.Hour})
	var clients []*client
	for range conns {
		clients = append(clients, dial(t, s, "/"))
	}
	s.settle()
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(context.Background()) }()
	for tick := 1; tick <= span; tick++ {
		if tick > 1 {
			clock.pass(s, tickPeriod)
		}
		eventually(t, "a slice", func() bool { return s.Stats().Open == int64(conns-tick*conns/span) })
		if tick == 1 {
			s.settle()
			if n := s.Stats().Ended["shutdown"]; n != conns/span {
				t.Fatalf("%d closed at once, want %d", n, conns/span)
			}
			stillServed(t, s, clients)
		}
	}
	for _, c := range clients {
		op, _, err := c.next()
		if err == nil && op == frame.OpText { // what it was answered before its turn came
			op, _, err = c.next()
		}
		if err != nil || op != frame.OpClose {
			t.Fatalf("%v, %v; want a close frame", op, err)
		}
		c.Close()
	}
	if err := <-done; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

// stillServed wants an answer from all clients that are still open.
func stillServed(t *testing.T, s *Server, clients []*client) {
	t.Helper()
	before := s.Stats()
	for _, c := range clients {
		c.text("still there?")
	}
	eventually(t, "answers", func() bool { return s.Stats().MessagesOut-before.MessagesOut == before.Open })
}

// Who leaves by itself before its turn, and a server that nobody is left on, end the drain early.
func TestShutdownThatIsSpreadEndsWithTheLastConn(t *testing.T) {
	clock := newClock()
	s := serve(t, Config{Loops: 1, Handler: echo, now: clock.Now, DrainSpread: time.Hour})
	var clients []*client
	for range 250 {
		clients = append(clients, dial(t, s, "/"))
	}
	s.settle()
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(context.Background()) }()
	eventually(t, "draining", s.draining.Load)
	for _, c := range clients {
		c.Close()
	}
	if err := <-done; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}
