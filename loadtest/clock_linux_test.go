package loadtest

import "testing"

// TestClockOnALine has a clock that goes at another rate and is far away, and asks it both ways.
func TestClockOnALine(t *testing.T) {
	now := monotonicNow()
	for _, drift := range []float64{0, 300e-6, -300e-6} {
		// A hundred seconds ago it showed 5e12.
		c := newClockOn(clockLine{At: now - 100e9, Shows: 5e12, Drift: drift})
		before := monotonicNow()
		shown := c.now()
		after := monotonicNow()
		least, most := c.monotonic(shown)-after, before-c.monotonic(shown)
		if least > 2000 || most > 2000 { // ns by which two readings of one clock may differ
			t.Errorf("drift %g: %d is CLOCK_MONOTONIC %d, not between %d and %d", drift, shown, c.monotonic(shown), before, after)
		}
		want := int64(5e12) + int64(100e9*(1+drift))
		if late := shown - want; late < -2000 || late > 2*(after-now)+2000 {
			t.Errorf("drift %g: shows %d, want %d and %d at most behind it", drift, shown, want, after-now)
		}
	}
}
