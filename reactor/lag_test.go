package reactor

import (
	"testing"
	"time"
)

func TestLagIsCounted(t *testing.T) {
	var n lagCounts
	for _, lag := range []time.Duration{0, 100 * time.Microsecond, 101 * time.Microsecond, time.Second, time.Minute} {
		n.record(lag)
	}
	var sum Lag
	sum.add(&n)
	sum.add(&n)
	want := map[int]int64{0: 4, 1: 2, len(lagBounds) - 1: 2, len(lagBounds): 2}
	for i, got := range sum.Counts {
		if got != want[i] {
			t.Errorf("bucket %d: %d, want %d", i, got, want[i])
		}
	}
	if sum.Sum != 2*(201*time.Microsecond+61*time.Second) {
		t.Errorf("sum %v", sum.Sum)
	}
}

// A tick that waits for a turn that is held up is as late as that.
func TestLoopLagOfABusyLoop(t *testing.T) {
	clock := newClock()
	s := serve(t, Config{Loops: 1, Handler: echo, now: clock.Now})
	l := s.knownLoops()[0]
	before := s.Stats().LoopLag
	s.settle()
	onLoop(t, &Conn{loop: l, state: stateOpen}, func(*Conn) {
		l.inbox.putTick(clock.Now().Add(-30 * time.Millisecond)) // it is taken after this turn
	})
	s.settle()
	after := s.Stats().LoopLag
	if n := after.Counts[7] - before.Counts[7]; n != 1 || after.Bounds[7] != 50*time.Millisecond {
		t.Errorf("%d ticks were 25 to 50 ms late; %v", n, after.Counts)
	}
}

func TestSlowPolicyNames(t *testing.T) {
	for p := Disconnect; p <= KeepLatest; p++ {
		text, _ := p.MarshalText()
		var back SlowPolicy
		if err := back.UnmarshalText(text); err != nil || back != p {
			t.Errorf("%s is read as %v, %v", text, back, err)
		}
	}
	var p SlowPolicy
	if err := p.UnmarshalText([]byte("keep")); err == nil || SlowPolicy(9).String() != "unknown" {
		t.Errorf("%v, %v", err, SlowPolicy(9))
	}
}
