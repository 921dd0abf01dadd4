package loadtest

import (
	"crypto/tls"
	"sync"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// tallyCounts are the sums of one loop, or of many.
type tallyCounts struct {
	Ready, Failed, Ended int

	Sending   int    // 1 while a loop has messages left to send by the clock (Echo)
	Sent      uint64 // messages (Echo)
	Late      uint64 // of these, sent more than lateAfter behind the schedule
	Delivered uint64 // first arrivals
	Measured  uint64 // of these, within the window
	InTime    uint64 // arrived within the window, whenever they were due
	Bytes     uint64 // received
	Reads     uint64 // receive calls that brought something
	Pings     uint64 // answered
	Gaps      uint64 // gap notices
	Answers   uint64 // messages that were answered as the protocol says
	Other     uint64 // messages without a stamp
	Stale     uint64 // messages of another run
	Early     uint64 // deliveries noted before the time they were sent at: two machines' clocks differ

	// Of a run with phases, as in progress.
	Left, Reborn, Retried, Sealed, Behind int

	Corrupted, Misdelivered uint64

	// As of the end of the loop's last turn; the ledger has them for good.
	Missing, Duplicated, Reordered uint64
}

func (c *tallyCounts) add(o tallyCounts) {
	c.Ready += o.Ready
	c.Failed += o.Failed
	c.Ended += o.Ended
	c.Sending += o.Sending
	c.Sent += o.Sent
	c.Late += o.Late
	c.Delivered += o.Delivered
	c.Measured += o.Measured
	c.InTime += o.InTime
	c.Bytes += o.Bytes
	c.Reads += o.Reads
	c.Pings += o.Pings
	c.Gaps += o.Gaps
	c.Answers += o.Answers
	c.Other += o.Other
	c.Stale += o.Stale
	c.Early += o.Early
	c.Corrupted += o.Corrupted
	c.Misdelivered += o.Misdelivered
	c.Missing += o.Missing
	c.Duplicated += o.Duplicated
	c.Reordered += o.Reordered
	c.Left += o.Left
	c.Reborn += o.Reborn
	c.Retried += o.Retried
	c.Sealed += o.Sealed
	c.Behind += o.Behind
}

// takeTally brings p to what the counts of an ended worker say; its time and CPU time stay. It closes no second.
func (p *progress) takeTally(c *tallyCounts) {
	at, cpu := p.At, p.CPU
	*p = c.progress()
	p.At, p.CPU = at, cpu
}

// progress is what the counts say of how far things are.
func (c *tallyCounts) progress() progress {
	return progress{
		Ready: c.Ready, Failed: c.Failed, Ended: c.Ended, Sending: c.Sending, Sent: c.Sent, Delivered: c.Delivered,
		Late: c.Late, Missing: c.Missing, Faulty: c.Duplicated + c.Reordered + c.Corrupted + c.Misdelivered,
		Left: c.Left, Reborn: c.Reborn, Retried: c.Retried, Sealed: c.Sealed, Behind: c.Behind,
	}
}

// tally is what a loop shows to others. The loop holds mu for a whole turn, so that a delivery costs no lock.
type tally struct {
	mu sync.Mutex

	// Guarded by mu.
	counts    tallyCounts
	latency   *hdrhistogram.Histogram
	classes   []*hdrhistogram.Histogram // the same by the size of the topic; nil for a single one
	connect   *hdrhistogram.Histogram
	subscribe *hdrhistogram.Histogram
	failures  map[string]uint64 // before a connection was ready, by cause
	endings   map[string]uint64 // after it
	errors    ErrorCounts       // of both
	retries   map[string]uint64 // setups that are tried again, with phases
	phases    []*phaseTally
	slow      slowTally
	tlsTimes  *hdrhistogram.Histogram
	tls       TLSCounts
	busy      float64 // CPU time per wall time of the loop within the window
}

func newTally() *tally {
	return &tally{
		latency:   newHistogram(),
		connect:   newHistogram(),
		subscribe: newHistogram(),
		failures:  map[string]uint64{},
		endings:   map[string]uint64{},
		retries:   map[string]uint64{},
		slow:      newSlowTally(),
		errors:    newErrorCounts(),
		tlsTimes:  newHistogram(),
		tls:       newTLSCounts(),
	}
}

// securedIn counts a TLS handshake that took so many ns. mu is held.
func (t *tally) securedIn(took int64, state *tls.ConnectionState) {
	record(t.tlsTimes, took)
	t.tls.count(state)
}

// failed and ended count a connection that never became ready, and one that did but ended early. mu is held.
func (t *tally) failed(f failure) {
	t.counts.Failed++
	countCause(t.failures, f.text, 1)
	t.errors.count(f, 1)
}

func (t *tally) ended(f failure) {
	t.counts.Ended++
	countCause(t.endings, f.text, 1)
	t.errors.count(f, 1)
}

// snapshot returns the counts.
func (t *tally) snapshot() tallyCounts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.counts
}

// swapLatency takes the latencies measured so far and leaves the empty spare; the loop is held up for two pointers.
func (t *tally) swapLatency(spare *hdrhistogram.Histogram) *hdrhistogram.Histogram {
	t.mu.Lock()
	defer t.mu.Unlock()
	full := t.latency
	t.latency = spare
	return full
}
