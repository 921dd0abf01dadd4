package hub

import (
	"sync/atomic"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/histogram"
	"github.com/wsedge/wsedge/reactor"
)

const (
	// timingGap is how much time is between publications that are timed, at least: a hundred a second tell as much as all.
	timingGap = 10 * time.Millisecond
	// maxTimed bounds those that are under way, each with a goroutine that waits. Where loops are stuck, so are these.
	maxTimed = 8
)

// fanout counts the node's publications, and times a sample of them from the engine to the last loop. All methods are safe from any
// goroutine.
type fanout struct {
	fromAPI, fromClients atomic.Int64
	next                 atomic.Int64 // Unix time in nanoseconds from which on another may be timed
	timed                atomic.Int64 // under way
	took                 histogram.Durations
}

// count counts one.
func (f *fanout) count(p *broker.Publication) {
	if p.Client == "" {
		f.fromAPI.Add(1)
	} else {
		f.fromClients.Add(1)
	}
}

// begin tells when a publication began that is to be timed; zero for all others. What it begins must be settled.
func (f *fanout) begin() (since time.Time) {
	now := time.Now()
	next := f.next.Load()
	soon := next > now.UnixNano() && next <= now.Add(timingGap).UnixNano() // more than that: the clock was set back
	if soon || !f.next.CompareAndSwap(next, now.Add(timingGap).UnixNano()) {
		return time.Time{}
	}
	if f.timed.Add(1) > maxTimed {
		f.timed.Add(-1)
		return time.Time{}
	}
	return now
}

// settle counts a publication that went out, or not, and where begin wants it timed waits, on a goroutine of its own, until the last
// loop has served it.
func (f *fanout) settle(p *broker.Publication, since time.Time, receipt *reactor.Receipt, matched int, err error) {
	if err == nil {
		f.count(p)
	}
	switch {
	case since.IsZero():
	case err != nil || matched == 0: // the receipt may never be done, or has nothing to tell
		f.timed.Add(-1)
	default:
		go func() {
			<-receipt.Done()
			f.took.Observe(time.Since(since))
			f.timed.Add(-1)
		}()
	}
}

// Traffic is what has gone through a hub.
type Traffic struct {
	// FromAPI and FromClients are publications that were delivered on this node, by whose they were.
	FromAPI, FromClients int64
	// Fanout is how long publications took from the engine until every loop had given them to its subscribers' sockets or queues: of a
	// sample, at most 100 a second, of those with subscribers.
	Fanout histogram.Snapshot
}

// Traffic returns it. Safe from any goroutine.
func (h *Hub) Traffic() Traffic {
	return Traffic{FromAPI: h.fanout.fromAPI.Load(), FromClients: h.fanout.fromClients.Load(), Fanout: h.fanout.took.Snapshot()}
}
