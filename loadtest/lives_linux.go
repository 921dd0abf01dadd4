package loadtest

import (
	"container/heap"
	"math"
	"time"
)

// lives is a loop's part of the phases: which of its connections are to be open, and when those that are not come back.
// There is no timer per connection: one that rests costs nothing, one that waits for its return 40 bytes.
type lives struct {
	spans    []phaseSpan
	phase    int // the one that goes on; -1 before the first
	over     bool
	initial  int // connections before the first phase
	target   int // slots below it are to be open
	ramp     rampPart
	churn    int // number of the next time, of all loops'
	cursor   int // slot that was opened first, but for those that failed meanwhile
	random   uint64
	waiting  returnQueue
	coming   map[int32]comeback // slots in setup that come back
	booking  int                // phase of the last delivery
	slow     []int32            // slots that are slow at some time
	slowNow  int                // so many of them are slow at present
	trickle  int                // bytes per second that they read
	readAt   int64              // when they read next
	leaving  map[int32]int64    // descriptors that wait for the answer to a close frame, and until when
	leaveAt  int64
	held     []int32 // descriptors of silent connections
	sealed   []uint32
	sealedAt int64
}

// comeback is a slot's return, due at a time of its own; intended is the time that it is measured from.
type comeback struct {
	due, intended int64
	slot          int32
	phase         int16 // that the connection was ended in
	dropped       bool
	failed        uint8 // attempts, so far
}

// returnQueue is a heap by due time.
type returnQueue []comeback

func (q returnQueue) Len() int           { return len(q) }
func (q returnQueue) Less(i, j int) bool { return q[i].due < q[j].due }
func (q returnQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }

// Push and Pop are for container/heap.
func (q *returnQueue) Push(c any) { *q = append(*q, c.(comeback)) }

// Pop takes the last element.
func (q *returnQueue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// rampPart is how the loop's number of connections changes in a phase: one at a time, evenly spread.
type rampPart struct{ from, to int }

// at is when change number i is due.
func (r rampPart) at(i int, s phaseSpan) int64 {
	return s.From + int64(float64(i+1)/math.Abs(float64(r.to-r.from))*float64(s.End-s.From))
}

func (s *workerSpec) phased() bool { return len(s.Phases) > 0 }

// prepareLives is for newLoop.
func (l *loop) prepareLives() {
	v := &l.lives
	*v = lives{phase: -1, initial: len(l.conns), target: len(l.conns), readAt: never, leaveAt: never, sealedAt: never}
	if !l.spec.phased() {
		return
	}
	l.ledger.withLives()
	v.initial = l.part(l.spec.Initial)
	v.target = v.initial
	v.random = l.spec.Seed<<20 ^ uint64(l.number)
	v.coming, v.leaving = map[int32]comeback{}, map[int32]int64{}
	share := slowShare(l.spec.Phases)
	for slot := range l.conns {
		if pick(l.first+slot, share) {
			l.conns[slot].slow = true
			v.slow = append(v.slow, int32(slot))
		}
	}
	for range l.spec.Phases {
		l.tally.phases = append(l.tally.phases, newPhaseTally())
	}
}

// part is the loop's part of so many connections of the run.
func (l *loop) part(total int) int { return portion(total, l.first, len(l.conns), l.spec.TotalConns) }

// startLives begins the phases with the window.
func (l *loop) startLives() { l.lives.spans = spansOf(l.spec.Phases, l.window.Send) }

// livesDue does what the phases ask for by now, and returns when there is more. It is called between turns: all events of the
// connections that it ends have been handled, so that none reaches a later life of the slot.
func (l *loop) livesDue(now int64) int64 {
	if !l.spec.phased() || l.closing {
		return never
	}
	next := min(l.phaseDue(now), l.leavingDue(now), l.behindDue(now))
	if l.lives.phase >= 0 && !l.lives.over {
		next = min(next, l.rampDue(now), l.churnDue(now), l.trickleDue(now), l.returnsDue(now))
	}
	return next
}

// phaseDue goes on to the phase of the time.
func (l *loop) phaseDue(now int64) int64 {
	v := &l.lives
	for v.phase+1 < len(v.spans) && now >= v.spans[v.phase+1].From {
		l.enterPhase(v.phase + 1)
	}
	switch {
	case len(v.spans) == 0 || v.over:
		return never
	case v.phase < 0:
		return v.spans[0].From
	case now >= v.spans[v.phase].End:
		l.leavePhase()
		v.over = true
		return never
	default:
		return v.spans[v.phase].End
	}
}

// leavePhase does what fell due at the very end of the phase, and notes how it ended.
func (l *loop) leavePhase() {
	if v := &l.lives; v.phase >= 0 {
		l.rampDue(v.spans[v.phase].End)
		l.missChurn()
		c := &l.tally.counts
		l.tally.phases[v.phase].counts.Conns = c.Ready - c.Ended - c.Left
	}
}

func (l *loop) enterPhase(number int) {
	l.leavePhase()
	v := &l.lives
	v.phase, v.churn = number, l.number
	p := &l.spec.Phases[number]
	v.ramp = rampPart{v.target, l.part(*p.Conns)}
	l.slowDown(p)
	if p.Drop > 0 {
		l.dropShare(p)
	}
}

// phaseTally is that of the current phase; nil before the first one, and without phases.
func (l *loop) phaseTally() *phaseTally {
	if l.lives.phase < 0 {
		return nil
	}
	return l.tally.phases[l.lives.phase]
}

// rampDue opens and ends as many connections as the ramp asks for: the highest slots are those that come last and go first.
func (l *loop) rampDue(now int64) int64 {
	v := &l.lives
	s := v.spans[v.phase]
	for v.target != v.ramp.to {
		done := max(v.target-v.ramp.from, v.ramp.from-v.target)
		at := v.ramp.at(done, s)
		if at > now {
			return at
		}
		if v.target < v.ramp.to {
			v.target++
			l.comeBack(comeback{due: at, intended: at, slot: int32(v.target - 1)})
			continue
		}
		v.target--
		l.leave(v.target, DropClose)
	}
	return never
}

// churnDue ends and reopens connections at their times, which the loops take in turns.
func (l *loop) churnDue(now int64) int64 {
	v := &l.lives
	p, s := &l.spec.Phases[v.phase], v.spans[v.phase]
	if p.Churn == 0 {
		return never
	}
	for range eventsATurn {
		at := churnTime(p, s, v.churn)
		if at >= s.End {
			return never
		}
		if at > now {
			return at
		}
		v.churn += l.spec.Loops
		l.churnOne(p, at)
	}
	return now
}

// missChurn counts the times of a phase that is over at which the loop had no time.
func (l *loop) missChurn() {
	v := &l.lives
	p, s := &l.spec.Phases[v.phase], v.spans[v.phase]
	for ; p.Churn > 0 && churnTime(p, s, v.churn) < s.End; v.churn += l.spec.Loops {
		l.phaseTally().counts.ChurnMissed++
	}
}

// churnTime is when number n of all loops' is due: in the middle of its share of the time.
func churnTime(p *PhasePlan, s phaseSpan, n int) int64 {
	return s.From + int64((float64(n)+0.5)/p.Churn*1e9)
}

func (l *loop) churnOne(p *PhasePlan, at int64) {
	v, counts := &l.lives, &l.phaseTally().counts
	if p.ChurnRandom && v.target > 0 {
		v.cursor = int(splitmix(&v.random) % uint64(v.target))
	}
	for range v.target {
		slot := v.cursor % v.target
		v.cursor = slot + 1
		if c := &l.conns[slot]; c.state == stateReady && !c.slow {
			counts.Churned++
			l.leave(slot, DropClose)
			l.comeBack(comeback{due: at, intended: at, slot: int32(slot)})
			return
		}
	}
	counts.ChurnMissed++
}

// dropShare ends a share of the connections at the beginning of a phase, and sets the times of their return.
func (l *loop) dropShare(p *PhasePlan) {
	v, counts := &l.lives, &l.phaseTally().counts
	back := v.spans[v.phase].From + int64(p.ReturnAfter)
	for slot, nth := 0, 0; slot < v.target; slot++ {
		if l.conns[slot].state != stateReady || l.conns[slot].slow || !pick(l.first+slot, p.Drop) {
			continue
		}
		counts.Dropped++
		l.leave(slot, p.DropBy)
		intended := back
		if p.ReturnRate > 0 {
			intended += int64(float64(nth*l.spec.Loops+l.number) / p.ReturnRate * 1e9)
		}
		if p.ReturnJitter > 0 {
			intended += int64(splitmix(&v.random) % uint64(p.ReturnJitter))
		}
		l.comeBack(comeback{due: intended, intended: intended, slot: int32(slot), dropped: true})
		nth++
	}
}

// comeBack puts a slot without a connection on the list of those that return.
func (l *loop) comeBack(c comeback) {
	conn := &l.conns[c.slot]
	if conn.state == stateWaiting {
		return // it is on the list
	}
	conn.state = stateWaiting
	c.phase = int16(l.lives.phase)
	heap.Push(&l.lives.waiting, c)
}

// returnsDue opens what is to come back, as far as the bound on setups under way allows.
func (l *loop) returnsDue(now int64) int64 {
	v := &l.lives
	limit := l.setupLimit()
	for len(v.waiting) > 0 && v.waiting[0].due <= now && l.inFlight < limit {
		c := heap.Pop(&v.waiting).(comeback)
		l.conns[c.slot].state = stateDone
		if int(c.slot) >= v.target {
			continue // the ramp has gone down meanwhile
		}
		v.coming[c.slot] = c
		l.opened = max(l.opened, int(c.slot)+1)
		l.open(int(c.slot), now)
	}
	if len(v.waiting) == 0 || l.inFlight >= limit {
		return never // the end of a setup makes room, and is an event itself
	}
	return v.waiting[0].due
}

// setupFailed counts a setup that failed, and lets it be tried again if that is wanted. The slot has no socket any more.
func (l *loop) setupFailed(slot int, c *conn, f failure) {
	back, returns := l.lives.coming[int32(slot)]
	delete(l.lives.coming, int32(slot))
	t := l.phaseTally()
	if t != nil {
		t.counts.Failed++
	}
	if t == nil || l.spec.NoRetry || l.lives.over || l.closing {
		l.tally.failed(f)
		return
	}
	t.counts.Retried++
	l.tally.counts.Retried++
	countCause(l.tally.retries, f.text, 1)
	l.tally.errors.count(f, 1)
	now := l.clock.now()
	if !returns {
		back = comeback{intended: now, slot: int32(slot), phase: int16(l.lives.phase)}
	}
	back.due = now + l.backoff(back.failed)
	back.failed = min(back.failed+1, maxDoublings)
	c.state = stateWaiting
	heap.Push(&l.lives.waiting, back)
}

// maxBackoff is the longest pause between two attempts; it is reached long before maxDoublings.
const (
	maxBackoff   = int64(10 * time.Second)
	maxDoublings = 20
)

// backoff is the time to the next attempt, evenly distributed from nothing to a bound that doubles each time ("full jitter":
// Brooker, Exponential Backoff And Jitter, AWS Architecture Blog, 2015).
func (l *loop) backoff(failed uint8) int64 {
	bound := min(int64(l.spec.Backoff)<<failed, maxBackoff)
	return int64(splitmix(&l.lives.random) % uint64(max(bound, 1)))
}

// lifeBegins opens the ledger for a connection that is ready now.
func (l *loop) lifeBegins(slot int, c *conn) {
	if !l.spec.phased() {
		return
	}
	now := l.clock.now()
	c.began, c.alive = now, true
	l.ledger.begin(slot, func(publisher int) uint32 { return l.floorOf(publisher, now) })
	if c.slow {
		l.tally.slow.ready++
		l.regulate(slot, c)
	}
	if t := l.phaseTally(); t != nil {
		t.counts.Established++
	}
	back, returns := l.lives.coming[int32(slot)]
	if !returns {
		return
	}
	delete(l.lives.coming, int32(slot))
	t := l.tally.phases[back.phase]
	record(t.times[timeReconnect], now-back.intended)
	if back.dropped {
		t.counts.Returned++
		record(t.times[timeBack], now-l.lives.spans[back.phase].From)
	}
}

// floorOf is the sequence behind the last one that somebody has got here and that was intended before that time.
func (l *loop) floorOf(publisher int, ready int64) uint32 {
	records := l.records[publisher]
	for i := len(records) - 1; i >= 0; i-- {
		if records[i].Count > 0 && records[i].Intended < ready {
			return uint32(i + 1)
		}
	}
	return 0
}

// skipUnowed keeps what others have got before this connection's life, but it has not, from looking like a hole before s.
func (l *loop) skipUnowed(slot int, c *conn, s stamp) {
	publisher := int(s.Publisher)
	next := l.ledger.awaited(slot, publisher)
	records := l.records[publisher]
	for i := min(int(s.Sequence), len(records)) - 1; i >= int(next); i-- {
		if records[i].Count > 0 && records[i].Intended < c.began {
			l.ledger.raise(slot, publisher, uint32(i+1))
			return
		}
	}
}

// lifeEnds closes the ledger of a connection that was ready.
func (l *loop) lifeEnds(slot int, c *conn) {
	if c.alive {
		c.alive = false
		l.ledger.end(slot, c.began, c.slow)
	}
}

// serverEnded counts a connection that was ready and that we did not end.
func (l *loop) serverEnded(slot int, c *conn, f failure) {
	t := l.phaseTally()
	if t != nil {
		t.counts.Ended++
	}
	if c.slow {
		l.tally.slow.ended++
		l.tally.counts.Ended++
		countCause(l.tally.slow.endings, f.text, 1)
		return
	}
	l.tally.ended(f)
	if t == nil || l.spec.NoRetry || l.lives.over || l.closing {
		return
	}
	now := l.clock.now()
	l.comeBack(comeback{due: now + l.backoff(0), intended: now, slot: int32(slot)})
}

// setupTimed records a step of a setup in the current phase, too.
func (l *loop) setupTimed(what int, ns int64) {
	if t := l.phaseTally(); t != nil {
		record(t.times[what], ns)
	}
}

// bookPhase counts a delivery in the phase that its publication was intended for.
func (l *loop) bookPhase(intended, now int64) {
	v := &l.lives
	for v.booking > 0 && intended < v.spans[v.booking].From {
		v.booking--
	}
	for v.booking+1 < len(v.spans) && intended >= v.spans[v.booking].End {
		v.booking++
	}
	t := l.tally.phases[v.booking]
	t.counts.Delivered++
	record(t.times[timeDelivery], now-intended)
}

// settleLives closes the accounts of all lives, after the loop has ended.
func (l *loop) settleLives(publishers []publisherTotals) {
	l.ledger.sums = newPublicationSums(publishers)
	for slot := range l.conns {
		switch c := &l.conns[slot]; {
		case c.alive && c.slow: // what it has not read yet may well be on its way
			l.lifeEnds(slot, c)
		case c.alive:
			l.ledger.settleSince(slot, c.began, publishers)
		}
	}
	l.ledger.settleEnded(publishers, false)
	if len(publishers) > 0 {
		l.ledger.sums.into(l.records, publishers)
	}
	l.ledger.sums = nil
	l.swapBooks()
	l.ledger.settleEnded(publishers, true)
	l.swapBooks()
}

// portsWanted is how many local ports the run may hold at a time: those of ended connections are taken for a minute (TIME_WAIT).
func (s *workerSpec) portsWanted() int {
	churn := 0.0
	for _, p := range s.Phases {
		churn = max(churn, p.Churn)
	}
	return s.TotalConns + int(60*churn)
}
