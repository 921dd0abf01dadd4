package loadtest

import "container/heap"

// comeback is a slot's return, due at a time of its own; intended is the time that it is measured from.
type comeback struct {
	due, intended int64
	slot          int32
	phase         int16 // that the connection was ended in
	dropped       bool  // by Drop
	again         bool  // there was a life before, and we have ended it: it has to come back
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
	if v.over { // what fell due before the end is opened nevertheless, and nothing else
		now = min(now, v.spans[v.phase].End)
	}
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
	if len(v.waiting) == 0 || l.inFlight >= limit || v.over {
		return never // the end of a setup makes room, and is an event itself
	}
	return v.waiting[0].due
}

// returning is how many connections may be back soon, though the phases are over.
func (l *loop) returning() int {
	v := &l.lives
	n := l.inFlight
	for _, c := range v.waiting {
		if v.over && c.due <= v.spans[v.phase].End && int(c.slot) < v.target {
			n++
		}
	}
	return n
}

// settleReturns counts those that have not come back, after the loop has ended. What a ramp has taken away since is not
// awaited any more.
func (l *loop) settleReturns() {
	for _, c := range l.lives.waiting {
		l.notBack(c)
	}
	for _, c := range l.lives.coming {
		l.notBack(c)
	}
}

func (l *loop) notBack(c comeback) {
	if c.again && int(c.slot) < l.lives.target {
		l.tally.phases[c.phase].counts.NotBack++
	}
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
		l.notBack(back)
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

// maxDoublings are more than it takes to maxBackoff.
const maxDoublings = 20

// backoff is the time to the next attempt, evenly distributed from nothing to a bound that doubles each time ("full jitter":
// Brooker, Exponential Backoff And Jitter, AWS Architecture Blog, 2015).
func (l *loop) backoff(failed uint8) int64 {
	bound := min(int64(l.spec.Backoff)<<failed, int64(maxBackoff))
	return int64(splitmix(&l.lives.random) % uint64(max(bound, 1)))
}
