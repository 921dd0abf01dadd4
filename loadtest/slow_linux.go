package loadtest

import (
	"math"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Slow connections have a small receive buffer, and in the phases that ask for it they read nothing, or so many bytes per
// second by the loop's clock. They have a ledger and latencies of their own: that a server leaves out messages for them, or
// ends them, is its right.

// trickleInterval is how often a connection that trickles reads.
const trickleInterval = int64(100 * time.Millisecond)

// slowDown makes as many connections slow as the phase wants, and lets the others read again.
func (l *loop) slowDown(p *PhasePlan) {
	v := &l.lives
	if share := slowShare(l.spec.Phases); share > 0 {
		v.slowNow = int(math.Round(float64(len(v.slow)) * p.Slow / share))
	}
	v.trickle, v.readAt = p.Trickle, never
	if v.slowNow > 0 && v.trickle > 0 {
		v.readAt = v.spans[v.phase].From
	}
	for _, slot := range v.slow {
		if c := &l.conns[slot]; c.state == stateReady {
			l.regulate(int(slot), c)
		}
	}
}

// regulate sets what a slow connection is watched for.
func (l *loop) regulate(slot int, c *conn) {
	events := uint32(unix.EPOLLIN)
	if c.unsent() > 0 {
		events |= unix.EPOLLOUT
	}
	l.watchConn(slot, c, events)
}

// interest is what to watch a connection for that wants events: one that is slow at present is not to be told of input.
func (l *loop) interest(slot int, c *conn, events uint32) uint32 {
	if !c.slow || c.state != stateReady {
		return events
	}
	if _, slowNow := slices.BinarySearch(l.lives.slow[:l.lives.slowNow], int32(slot)); slowNow {
		return events &^ unix.EPOLLIN
	}
	return events
}

// trickleDue lets those that trickle read their share.
func (l *loop) trickleDue(now int64) int64 {
	v := &l.lives
	if v.readAt == never || now < v.readAt {
		return v.readAt
	}
	// What comes to less than a byte each time is read as one byte in a longer time.
	interval := max(trickleInterval, int64(time.Second)/int64(v.trickle))
	portion := max(1, int(int64(v.trickle)*interval/int64(time.Second)))
	whole := l.buf
	l.buf = l.buf[:min(portion, len(l.buf))]
	for _, slot := range v.slow[:v.slowNow] {
		if c := &l.conns[slot]; c.state == stateReady {
			l.receive(int(slot), c)
		}
	}
	l.buf = whole
	v.readAt = max(v.readAt+interval, now)
	return v.readAt
}

// deliverSlow books a delivery to a slow connection.
func (l *loop) deliverSlow(slot, column int, c *conn, s stamp, now int64) {
	l.swapBooks()
	defer l.swapBooks()
	switch {
	case s.Intended < c.began:
		l.ledger.noteEarly(slot, column, s.Sequence)
	case l.ledger.note(slot, column, s.Sequence) && l.window.measures(s.Intended):
		record(l.tally.slow.latency, now-s.Intended)
	}
}

// swapBooks makes the ledger count for the slow connections, or for the others again.
func (l *loop) swapBooks() {
	s := &l.tally.slow
	s.counts, l.ledger.counts = l.ledger.counts, s.counts
	s.missing, l.ledger.missing = l.ledger.missing, s.missing
}
