package jetstream

import "github.com/wsedge/wsedge/internal/broker"

// afterwards is what is to be done without the log's mutex.
type afterwards []func()

func (a afterwards) run() {
	for _, do := range a {
		do()
	}
}

// arrived takes what the stream has republished.
func (l *log) arrived(r *record) {
	l.mu.Lock()
	after := l.take(r)
	l.mu.Unlock()
	after.run()
}

// take delivers a record if it is the next, and looks for what is missing if it is not. The caller holds mu.
func (l *log) take(r *record) (after afterwards) {
	switch {
	case l.phase == starting, l.phase == live && l.reading:
		l.hold(r)
	case l.phase != live, l.stalled != nil: // what is refused now is read later
	case r.seq <= l.last:
		l.engine.counters.duplicates.Add(1)
		l.doubtDuplicate(r)
	case l.continues(r):
		after = l.deliver(r, after)
	default:
		l.engine.counters.holes.Add(1)
		l.hold(r)
		l.read()
	}
	return after
}

// hold keeps a record for later. The caller holds mu.
func (l *log) hold(r *record) {
	if len(l.held) >= maxHeld || l.heldBytes+len(r.Data) > maxHeldBytes {
		l.again = true // it is in the stream
		return
	}
	l.held = append(l.held, *r)
	l.heldBytes += len(r.Data)
}

// continues tells whether nothing is missing before a republished record. prev is 0 where the subject had nothing when it was stored: it was the
// first, or all before it had become too old, which they can only be if the last look was that long ago. The caller holds mu.
func (l *log) continues(r *record) bool {
	switch {
	case l.strange(r):
		return false
	case r.seq == l.last+1:
		return true
	case r.prev != 0:
		return r.prev <= l.last
	default:
		return l.fresh()
	}
}

// fresh tells whether nothing that was published since the last look can have become too old. The caller holds mu.
func (l *log) fresh() bool {
	maxAge := l.stream.presently(l.is).maxAge
	return maxAge == 0 || l.engine.config.Now().Sub(l.verifiedAt) < maxAge-clockSkew
}

// deliver hands a record to the sink. Where that has no room, everything from there on waits in the stream. The caller holds mu.
func (l *log) deliver(r *record, after afterwards) afterwards {
	number, own := l.engine.own(r)
	witness := l.engine.witnessOf(r)
	r.Receipt = own && r.receipt || witness != nil
	prev := l.last
	if l.blind { // there may have been one before, and nobody knows where
		prev = 0
	}
	delivered, err := l.sink.Deliver(r.Publication, r.seq, prev)
	if err != nil {
		l.refused = r // by now the stream may not have it any more
		l.stall(err)
		return after
	}
	if witness != nil {
		witness(l.channel, broker.Position{Epoch: l.is.epoch, Offset: r.seq}, delivered.Receipt)
	}
	l.last, l.message, l.messageAt, l.blind = r.seq, r.seq, r.at.UnixNano(), false
	l.verified = max(l.verified, r.seq)
	if r.at.After(l.verifiedAt) { // not now: it may have been read long after it was published
		l.verifiedAt = r.at
	}
	if own {
		seq := r.seq
		after = append(after, func() { l.engine.publishing.delivered(number, seq, delivered) })
	}
	return after
}

// stall waits for a while, with everything that is to come: it is in the stream. The caller holds mu.
func (l *log) stall(err error) {
	l.engine.counters.stalls.Add(1)
	l.stalled = err
	l.held, l.heldBytes = nil, 0
	l.engine.after(stallRetry, l.unstall)
}

// unstall offers again what the sink has refused, and then reads what has come meanwhile.
func (l *log) unstall() {
	l.mu.Lock()
	after, r := afterwards(nil), l.refused
	l.stalled, l.refused = nil, nil
	if l.phase == live {
		if r != nil {
			after = l.deliver(r, after)
		}
		l.read() // does nothing if the sink has refused again
	}
	l.mu.Unlock()
	after.run()
}

// gap announces that what is between the position and before, both exclusive, will not come. It is false where the sink had no room for that: then nothing has
// changed, and the log is stalled. The caller holds mu.
func (l *log) gap(before uint64) bool {
	if before > l.last+1 {
		if err := l.sink.Gap(l.last, before); err != nil {
			l.stall(err)
			return false
		}
		l.engine.counters.gaps.Add(1)
	}
	l.last = before - 1
	return true
}

// takeHeld delivers what has waited, as far as nothing is missing, and looks for that again if something still is. The caller holds mu; nothing
// is being read.
func (l *log) takeHeld() (after afterwards) {
	held := l.held
	l.held, l.heldBytes = nil, 0
	for i := range held {
		r := &held[i]
		switch {
		case l.stalled != nil:
			return after
		case r.seq <= l.last:
			l.engine.counters.duplicates.Add(1)
		case l.continues(r):
			after = l.deliver(r, after)
			l.tries = 0
		default:
			for ; i < len(held); i++ {
				l.hold(&held[i])
			}
			l.retry()
			return after
		}
	}
	l.tries = 0
	if l.again {
		l.read()
	}
	return after
}

// retry reads again what was not there a moment ago: the server that answered may be behind. If it never comes, the leader has the last word. The caller holds mu.
func (l *log) retry() {
	if l.tries++; l.tries > maxTries {
		l.askLeader()
		return
	}
	l.reading = true
	is := l.is
	l.engine.after(firstRetry<<(l.tries-1), func() { l.reread(is) })
}

// catchUp reads what the stream has beyond the position.
func (l *log) catchUp() {
	l.mu.Lock()
	if l.phase == live {
		l.read()
	}
	l.mu.Unlock()
}

// reread is read where it was only put off, unless the epoch is another by now: where that begins is being asked for.
func (l *log) reread(is *identity) {
	l.mu.Lock()
	if l.phase == live && l.is == is {
		l.reading = false
		l.read()
	}
	l.mu.Unlock()
}

// read reads what the stream has beyond the position, and delivers it. The caller holds mu.
func (l *log) read() {
	if l.reading {
		l.again = true
		return
	}
	if l.stalled != nil {
		return
	}
	l.reading, l.again = true, false
	is, from := l.is, l.last+1
	if l.message != 0 && l.message == l.last {
		from = l.last // if that is still there, nothing behind it has gone
	}
	// Not here: who is asked may answer at once, and the mutex is held.
	l.engine.start(func() {
		l.engine.fetch(l.stream, l.subject(is), from, batch, func(p page, err error) { l.fetched(is, p, err) })
	})
}

// fetched takes what was read.
func (l *log) fetched(is *identity, p page, err error) {
	l.mu.Lock()
	if l.is != is || l.phase != live {
		l.mu.Unlock()
		return
	}
	l.reading = false
	if err != nil {
		l.held, l.heldBytes, l.again = nil, 0, false // all of it is in the stream: compareAll finds that
		l.mu.Unlock()
		return
	}
	after := l.takePage(p)
	l.mu.Unlock()
	after.run()
}

// takePage delivers what was read. The caller holds mu.
func (l *log) takePage(p page) (after afterwards) {
	complete := false
	total := int64(len(p.records)) + p.more
	if len(p.records) > 0 && p.records[0].seq == l.last && l.message == l.last {
		complete = true
		l.doubtAnchor(&p.records[0])
	} else if is := l.stream.presently(l.is); l.fresh() && total < is.perSubject && l.last >= is.raised && !l.vanished() {
		complete = true // fewer than are kept, and none too old: none has gone
	}
	for i := range p.records {
		r := &p.records[i]
		if r.seq <= l.last {
			continue
		}
		if !complete {
			if !l.gap(r.seq) {
				return after
			}
			complete = true
		}
		l.engine.counters.fetched.Add(1)
		if after = l.deliver(r, after); l.stalled != nil {
			return after
		}
		l.tries = 0
	}
	if p.more > 0 {
		l.read()
		return after
	}
	return append(after, l.takeHeld()...)
}
