package reactor

import (
	"sync/atomic"
	"time"
)

// lagBounds are the upper bounds of the buckets of Lag. A turn of TurnMaxSends lasts about one millisecond.
var lagBounds = [...]time.Duration{
	100 * time.Microsecond, 500 * time.Microsecond, time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond,
	25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, time.Second,
}

// Lag is a histogram of how long the loops' ticks, ten a second on each, have waited for their turn: what input, and everything
// that is posted to a loop, waits as well.
type Lag struct {
	// Bounds are the buckets' upper bounds, and Counts what is at most as much and more than the bound before; the last count,
	// one more than there are bounds, is of all above.
	Bounds []time.Duration
	Counts []int64
	Sum    time.Duration
}

// lagCounts is a loop's: written by it, read by anybody.
type lagCounts struct {
	buckets [len(lagBounds) + 1]atomic.Int64
	nanos   atomic.Int64
}

func (n *lagCounts) record(lag time.Duration) {
	i := 0
	for i < len(lagBounds) && lag > lagBounds[i] {
		i++
	}
	n.buckets[i].Add(1)
	n.nanos.Add(int64(lag))
}

// add sums up what another loop has counted.
func (lag *Lag) add(n *lagCounts) {
	if lag.Counts == nil {
		lag.Bounds, lag.Counts = lagBounds[:], make([]int64, len(n.buckets))
	}
	for i := range n.buckets {
		lag.Counts[i] += n.buckets[i].Load()
	}
	lag.Sum += time.Duration(n.nanos.Load())
}
