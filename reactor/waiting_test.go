package reactor

import (
	"testing"
	"time"
)

// Who holds up a loop can be seen from outside, while it lasts.
func TestLoopWait(t *testing.T) {
	clock := newClock()
	s := serve(t, Config{Loops: 1, Handler: echo, now: clock.Now})
	jump := func(d time.Duration) {
		clock.mu.Lock()
		defer clock.mu.Unlock()
		clock.now = clock.now.Add(d)
	}
	s.settle()
	l := s.knownLoops()[0]
	onLoop(t, &Conn{loop: l, state: stateOpen}, func(*Conn) {
		l.inbox.putTick(clock.Now())
		if wait := s.LoopWait(); wait != 0 {
			t.Errorf("a wait of %v at the beginning", wait)
		}
		jump(12 * time.Second)
		if wait, stats := s.LoopWait(), s.Stats().LoopWait; wait != 12*time.Second || stats != wait {
			t.Errorf("a wait of %v, and %v in the statistics", wait, stats)
		}
		jump(-12 * time.Second)
	})
}

// A loop that has ended waits for nothing any more.
func TestLoopWaitAfterTheEnd(t *testing.T) {
	in := inbox{tick: time.Now(), closed: true}
	if since := in.tickSince(); !since.IsZero() {
		t.Errorf("it waits since %v", since)
	}
}
