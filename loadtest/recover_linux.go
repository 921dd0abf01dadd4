package loadtest

// position is what a place among the connections remembers to come back with: 32 bytes, in runs with recovery only.
type position struct {
	epoch  string // "": there is none
	offset uint64
	since  int64 // while it is away: the beginning of its account, in ns after the epoch of the run
}

// subscription is what the reply says that confirms one. It is the last step of the setup, so that there is one at a time.
type subscription struct {
	epoch     string
	offset    uint64
	recovered bool
}

// catchUp is what a connection that is back has yet to get: all up to an offset.
type catchUp struct {
	upTo  uint64
	broke int64 // in ns after the epoch
	phase int16 // of the break
}

// prepareRecovery is for a run in which connections recover.
func (l *loop) prepareRecovery() {
	if l.talk.recover != nil {
		l.positions = make([]position, len(l.conns))
		l.epochs = make([]string, l.spec.Topics.count())
		if l.talk.recover.ticket != nil {
			l.tickets = make([]string, len(l.conns))
		}
		l.lives.catching = map[int32]catchUp{}
	}
}

// away says that the account of a connection that has ended goes on: it comes back, and recovers.
func (l *loop) away(slot int, c *conn) bool {
	if l.positions == nil || c.slow || l.closing {
		return false
	}
	c.life = lifeBroken
	l.positions[slot].since = c.began
	delete(l.lives.catching, int32(slot))
	return true
}

// forget ends the account of a place whose connection is not to come back, and drops its position.
func (l *loop) forget(slot int) {
	if l.positions == nil {
		return
	}
	if c := &l.conns[slot]; c.life == lifeBroken {
		c.life = lifeEnded
		l.ledger.end(slot, l.positions[slot].since, false)
	}
	l.positions[slot] = position{}
}

// recovers says whether the step that a connection waits for, or is about to take, asks for what was missed.
func (l *loop) recovers(slot int, c *conn) bool {
	r := l.talk.recover
	return r != nil && int(c.step) == r.step && c.life == lifeBroken && l.positions[slot].epoch != ""
}

// readSubscription takes the position out of the reply that confirms a subscription; l.incoming has it.
func (l *loop) readSubscription(slot int, c *conn, v *values) {
	r, s := l.talk.recover, &l.lives.subscribed
	if r == nil || int(c.step) != r.step {
		return
	}
	epoch, _ := l.incoming.value(r.epoch)
	if shared := &l.epochs[l.topic(slot)]; *shared != epoch && len(epoch) <= maxEpoch {
		*shared = epoch
	}
	s.epoch = l.epochs[l.topic(slot)] // the same bytes for all that have the same
	if epoch == "" || len(epoch) > maxEpoch {
		s.epoch = ""
	}
	s.offset, _ = numberAt(l.incoming.text, r.offset)
	if s.recovered = l.recovers(slot, c) && r.recovered.holds(&l.incoming, v); s.recovered && r.list != nil {
		itemsAt(l.incoming.text, r.list, func(item []byte) {
			offset, _ := numberAt(item, r.listed)
			s.offset = max(s.offset, offset)
		})
	}
}

// maxEpoch bounds what a server can make each connection keep; longer ones count as none.
const maxEpoch = 128

// resume is for a connection that is ready: it returns when its account began, which is now, unless it has recovered.
func (l *loop) resume(slot int, c *conn, now int64) (since int64) {
	if l.positions == nil || c.slow {
		l.openAccount(slot, now)
		return now
	}
	p, s := &l.positions[slot], &l.lives.subscribed
	if c.life == lifeBroken {
		back := l.lives.coming[int32(slot)]
		t := l.tally.phases[back.phase]
		broke := back.broke(l.lives.spans)
		t.counts.Returned++
		record(t.times[timeReturned], now-broke)
		if s.recovered {
			t.counts.Recovered++
			l.catchUp(slot, catchUp{s.offset, broke, back.phase}, now)
			return p.since
		}
		if p.epoch == "" {
			t.counts.WithoutPosition++
		}
		t.counts.NotRecovered++
		l.ledger.breakOff(slot, p.since, now)
	}
	p.epoch, p.offset = s.epoch, s.offset
	l.openAccount(slot, now)
	return now
}

// openAccount begins a life in the ledger.
func (l *loop) openAccount(slot int, now int64) {
	l.ledger.begin(slot, func(stream int) uint32 { return l.floorOf(stream, now) })
}

// broke is when the connection that comes back was ended.
func (c *comeback) broke(spans []phaseSpan) int64 {
	if c.dropped {
		return spans[c.phase].From
	}
	return c.intended
}

// catchUp waits for what a connection has missed, or notes that there is nothing.
func (l *loop) catchUp(slot int, c catchUp, now int64) {
	if l.positions[slot].offset < c.upTo {
		l.lives.catching[int32(slot)] = c
		return
	}
	delete(l.lives.catching, int32(slot))
	record(l.tally.phases[c.phase].times[timeCaughtUp], now-c.broke)
}

// advance moves a connection's position on to a publication that has arrived, and says whether that is one of those that it
// missed.
func (l *loop) advance(slot int, offset uint64, now int64) (missed bool) {
	p := &l.positions[slot]
	p.offset = max(p.offset, offset)
	if len(l.lives.catching) == 0 {
		return false
	}
	c, behind := l.lives.catching[int32(slot)]
	if !behind || offset > c.upTo {
		return false
	}
	l.tally.phases[c.phase].counts.Missed++
	l.catchUp(slot, c, now)
	return true
}

// deliverReply books the publications in the reply that confirmed a subscription, where the server gives there what was missed.
func (l *loop) deliverReply(slot int, c *conn, reply []byte, now int64) {
	r := l.talk.recover
	if c.state != stateReady || r == nil || r.list == nil || !l.lives.subscribed.recovered {
		return
	}
	itemsAt(reply, r.list, func(item []byte) {
		offset, _ := numberAt(item, r.listed)
		switch s, verdict := findStamp(item, l.spec.Payload); {
		case verdict == stampNone:
			l.tally.counts.Other++
		case verdict == stampCorrupt || s.Run == l.spec.Run && l.strange(s):
			l.tally.counts.Corrupted++
		case s.Run != l.spec.Run:
			l.tally.counts.Stale++
		default:
			l.deliver(slot, c, arrival{s, offset}, now)
		}
	})
}

// settleAway closes the account of a connection that has not come back.
func (l *loop) settleAway(slot int) {
	l.ledger.breakOff(slot, l.positions[slot].since, neverBack)
}
