package histogram

import (
	"sync/atomic"
	"time"
)

// bounds are the upper bounds of the buckets: from what a turn of an idle loop takes to what a request may take at most.
var bounds = [...]time.Duration{
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond, time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, time.Second, 2500 * time.Millisecond, 10 * time.Second,
}

// Durations is a histogram of durations. The zero value is empty. Safe from any goroutine.
type Durations struct {
	buckets [len(bounds) + 1]atomic.Int64
	nanos   atomic.Int64
}

// Observe counts d. One below zero counts as zero.
func (h *Durations) Observe(d time.Duration) {
	i := 0
	for i < len(bounds) && d > bounds[i] {
		i++
	}
	h.buckets[i].Add(1)
	h.nanos.Add(int64(max(d, 0)))
}

// Snapshot is what was counted so far. Each number is exact, but they are not read in the same instant.
type Snapshot struct {
	// Bounds are the buckets' upper bounds, and Counts what is at most as much and more than the bound before; the last count,
	// one more than there are bounds, is of all above.
	Bounds []time.Duration
	Counts []int64
	Sum    time.Duration
}

// Snapshot reads the histogram.
func (h *Durations) Snapshot() Snapshot {
	s := Snapshot{Bounds: bounds[:], Counts: make([]int64, len(h.buckets)), Sum: time.Duration(h.nanos.Load())}
	for i := range h.buckets {
		s.Counts[i] = h.buckets[i].Load()
	}
	return s
}
