package loadtest

import (
	"time"

	"golang.org/x/sys/unix"
)

// clock tells CLOCK_MONOTONIC in ns after an epoch. It is one clock for all processes of a machine, so that a stamp made
// in one can be read in another. Go's own reading of it needs no system call but hides its zero; the difference between the
// two is taken once. On another machine than the coordinator's it follows that one's clock, by a line.
type clock struct {
	base   time.Time
	offset int64 // of base, after the epoch
	raw    int64 // CLOCK_MONOTONIC at base
	drift  float64
}

// monotonicNow is CLOCK_MONOTONIC by system call.
func monotonicNow() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic(err) // every Linux has it
	}
	return ts.Nano()
}

// newClock aligns the two readings to within half of the shortest of ten attempts, less than a microsecond.
func newClock(epoch int64) clock { return newClockOn(clockLine{At: epoch}) }

func newClockOn(line clockLine) clock {
	best := clock{}
	shortest := int64(1) << 62
	for range 10 {
		before := monotonicNow()
		base := time.Now()
		after := monotonicNow()
		if after-before < shortest {
			shortest = after - before
			raw := before + shortest/2
			since := raw - line.At
			best = clock{base: base, raw: raw, drift: line.Drift, offset: line.Shows + since + int64(float64(since)*line.Drift)}
		}
	}
	return best
}

// now is in ns after the epoch.
func (c clock) now() int64 {
	since := time.Since(c.base)
	return c.offset + int64(since) + int64(float64(since)*c.drift)
}

// monotonic is what CLOCK_MONOTONIC reads when it is that time.
func (c clock) monotonic(at int64) int64 {
	since := at - c.offset
	return c.raw + since - int64(float64(since)*c.drift/(1+c.drift))
}

// sleepUntil returns at the time (ns after the epoch), to within the kernel's timer slack of some 60 µs; the runtime's own
// timers may be a millisecond late. It wakes each 50 ms to look at done.
func (c clock) sleepUntil(at int64, done <-chan struct{}) bool {
	const slice = 50e6
	for {
		select {
		case <-done:
			return false
		default:
		}
		left := at - c.now()
		if left <= 0 {
			return true
		}
		ts := unix.NsecToTimespec(min(left, slice))
		// An interrupted sleep is only shorter; the loop looks again.
		_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &ts, nil)
	}
}
