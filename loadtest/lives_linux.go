package loadtest

// lives is a loop's part of the phases: which of its connections are to be open, and when those that are not come back.
// There is no timer per connection: one that rests costs nothing, one that waits for its return 40 bytes.
type lives struct {
	spans   []phaseSpan
	phase   int // the one that goes on; -1 before the first
	over    bool
	initial int // connections before the first phase
	target  int // slots below it are to be open
	ramp    rampPart
	churn   int // number of the next time, of all loops'
	cursor  int // slot that was opened first, but for those that failed meanwhile
	random  uint64
	waiting returnQueue
	coming  map[int32]comeback // slots in setup that come back
	booking int                // phase of the last delivery
	slow    []int32            // slots that are slow at some time
	slowNow int                // so many of them are slow at present
	trickle int                // bytes per second that they read
	readAt  int64              // when they read next
	leaving map[int32]int64    // descriptors that wait for the answer to a close frame, and until when
	leaveAt int64
	// Of a run with recovery.
	subscribed subscription      // the newest
	catching   map[int32]catchUp // slots that are back, but not up to date
	held       []int32           // descriptors of silent connections
	sealed     *sealCommand
	sealedAt   int64
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
	next := min(l.phaseDue(now), l.leavingDue(now))
	if l.lives.phase >= 0 && !l.lives.over {
		next = min(next, l.rampDue(now), l.churnDue(now), l.trickleDue(now))
	}
	if l.lives.phase >= 0 {
		next = min(next, l.returnsDue(now))
	}
	return min(next, l.behindDue(now))
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

// lifeBegins opens the ledger for a connection that is ready now.
func (l *loop) lifeBegins(slot int, c *conn) {
	if !l.spec.phased() {
		return
	}
	now := l.clock.now()
	c.began, c.life = l.resume(slot, c, now), lifeOn
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
		record(t.times[timeBack], now-l.lives.spans[back.phase].From)
	}
}

// floorOf is the sequence behind the last one that somebody has got here and that was intended before that time.
func (l *loop) floorOf(stream int, ready int64) uint32 {
	if stream >= len(l.records) {
		return 0
	}
	records := l.records[stream]
	for i := len(records) - 1; i >= 0; i-- {
		if records[i].Count > 0 && records[i].Intended < ready {
			return uint32(i + 1)
		}
	}
	return 0
}

// skipUnowed keeps what others have got before this connection's life, but it has not, from looking like a hole before s.
func (l *loop) skipUnowed(slot, column int, c *conn, s stamp) {
	next := l.ledger.awaited(slot, column)
	records := l.records[s.Publisher]
	for i := min(int(s.Sequence), len(records)) - 1; i >= int(next); i-- {
		if records[i].Count > 0 && records[i].Intended < c.began {
			l.ledger.raise(slot, column, uint32(i+1))
			return
		}
	}
}

// lifeEnds closes the ledger of a connection that was ready.
func (l *loop) lifeEnds(slot int, c *conn) {
	if c.life == lifeOn && !l.away(slot, c) {
		c.life = lifeEnded
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
func (l *loop) bookPhase(intended, now int64, missed bool) {
	v := &l.lives
	for v.booking > 0 && intended < v.spans[v.booking].From {
		v.booking--
	}
	for v.booking+1 < len(v.spans) && intended >= v.spans[v.booking].End {
		v.booking++
	}
	t := l.tally.phases[v.booking]
	if t.counts.Delivered++; !missed {
		record(t.times[timeDelivery], now-intended)
	}
}

// settleLives closes the accounts of all lives, after the loop has ended. On another machine the clock may have been wrong by
// doubt, in ns.
func (l *loop) settleLives(publishers []publisherTotals, doubt int64) {
	l.settleReturns()
	l.ledger.sums, l.ledger.doubt = newPublicationSums(publishers), doubt
	for slot := range l.conns {
		switch c := &l.conns[slot]; {
		case c.life == lifeOn && c.slow: // what it has not read yet may well be on its way
			l.lifeEnds(slot, c)
		case c.life == lifeOn:
			l.ledger.settleSince(slot, c.began, publishers)
		case c.life == lifeBroken:
			l.settleAway(slot)
		}
	}
	l.ledger.settleEnded(publishers, false)
	l.ledger.settleGaps(publishers)
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
