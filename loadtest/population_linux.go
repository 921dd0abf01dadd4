package loadtest

import "math"

// rampPart is how the loop's number of connections changes in a phase: one at a time, evenly spread.
type rampPart struct{ from, to int }

// at is when change number i is due.
func (r rampPart) at(i int, s phaseSpan) int64 {
	return s.From + int64(float64(i+1)/math.Abs(float64(r.to-r.from))*float64(s.End-s.From))
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
			again := l.conns[v.target-1].life != lifeNone
			l.comeBack(comeback{due: at, intended: at, slot: int32(v.target - 1), again: again})
			continue
		}
		v.target--
		l.leave(v.target, DropClose)
		l.forget(v.target)
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
			l.comeBack(comeback{due: at, intended: at, slot: int32(slot), again: true})
			return
		}
	}
	counts.ChurnMissed++
}

// healthy is a connection's number within the run among those that are never slow. Shares are spread evenly: one of all
// connections would fall on the same ones as that of the slow.
func (l *loop) healthy(slot int) int {
	number := l.first + slot
	return number - int(math.Floor(float64(number)*slowShare(l.spec.Phases)+roundingGuard))
}

// dropShare ends a share of the connections at the beginning of a phase, and sets the times of their return.
func (l *loop) dropShare(p *PhasePlan) {
	v, counts := &l.lives, &l.phaseTally().counts
	back := v.spans[v.phase].From + int64(p.ReturnAfter)
	for slot, nth := 0, 0; slot < v.target; slot++ {
		if l.conns[slot].state != stateReady || l.conns[slot].slow || !pick(l.healthy(slot), p.Drop) {
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
		l.comeBack(comeback{due: intended, intended: intended, slot: int32(slot), dropped: true, again: true})
		nth++
	}
}
