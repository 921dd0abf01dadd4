package hub

import (
	"testing"
	"time"
)

// A wall clock that is set back must not end the timing of publications until it is there again.
func TestTimingAfterTheClockWasSetBack(t *testing.T) {
	var f fanout
	f.next.Store(time.Now().Add(time.Hour).UnixNano())
	if f.begin().IsZero() {
		t.Error("none is timed for an hour")
	}
	f.timed.Store(0)
	before := time.Now()
	f.next.Store(before.Add(timingGap).UnixNano())
	if !f.begin().IsZero() && time.Since(before) < timingGap {
		t.Error("two within the gap")
	}
}
