package reactor

import (
	"syscall"

	"github.com/wsedge/wsedge/pool"
)

// entry is a piece of output: shared bytes, and what must be known to drop them.
type entry struct {
	shared  *pool.Shared // owned; nil: a gap whose notice is not made yet
	newest  *pool.Shared // owned; the newest of several publications alone, or nil
	topic   *Topic       // whose policy applies; nil: nobody may drop it
	missing              // without it
	prev    uint64       // Seq before that of newest
	frames  int32        // publications in shared; none in a gap
	since   uint32       // tick at which it began to wait
	form    Form
	gap     bool // it stands for what was dropped
	common  bool // shared is a Batch's: charged already, and not to be added to
}

func (e *entry) release() {
	if e.shared != nil {
		e.shared.Release()
	}
	if e.newest != nil {
		e.newest.Release()
	}
}

// size is its bytes on the wire, as far as they are made.
func (e *entry) size() int64 {
	if e.shared == nil {
		return 0
	}
	return int64(e.shared.Len())
}

// outbound is what a socket has not taken yet: references, and an offset into the first.
type outbound struct {
	entries []entry
	offset  int    // bytes of entries[0] that the socket has taken
	begun   bool   // entries[0] goes on with something of which the socket has taken a part: it must not be dropped
	bytes   int64  // that wait, on the wire
	gaps    int    // of the entries, without a notice so far
	counted int    // of the entries, in the loop's sum
	token   uint64 // names the conn to the writable poller

	// An entry's place is its index plus gone: it never falls, while others go.
	gone   uint64            // entries that have been taken out
	passed map[*Topic]uint64 // places before which nothing waits of a topic that was looked for: see first

	suspended []*Topic      // that the conn was taken out of: see SlowPolicy Suspend
	then      []func(*Conn) // to be called when nothing waits any more
}

// enqueue puts e behind what waits, after the socket has taken sent bytes of it; it takes ownership. begun tells that bytes
// before e, of the same frame, are out. If it is more than the conn's limit, the policy of the topic decides.
func (c *Conn) enqueue(e entry, sent int, begun bool) {
	if c.flags&flagSlow != 0 && e.topic != nil {
		c.dropEntry(DropSlow, &e)
		e.release()
		return
	}
	if c.out == nil {
		c.congest(int64(e.shared.Len() - sent))
	}
	if c.suspendedFrom(e.topic) { // gathered in the same turn
		c.skip(&e)
		return
	}
	e.since = c.loop.wheel.now
	size := int64(e.shared.Len() - sent)
	if c.out.bytes > 0 && c.out.bytes+size > c.outboundLimit() && c.state == stateOpen {
		if c.overflow(&e); e.shared == nil {
			return
		}
		size = int64(e.shared.Len())
	}
	if e.topic == nil && !e.common {
		c.loop.srv.charge(e.shared)
	}
	if sent == 0 && !begun && c.joinTail(&e) {
		c.loop.stats.queuedBytes.Add(size)
		return
	}
	if len(c.out.entries) == 0 {
		c.out.offset, c.out.begun = sent, begun || sent > 0
	}
	c.out.entries = append(c.out.entries, e)
	c.awaitStale(e.topic)
	c.out.count(c.loop)
	c.out.bytes += size
	c.loop.stats.queuedBytes.Add(size)
}

// joinTail appends e, if it is small and belongs to this conn alone, to a last entry of that kind: alone, a pong would take a
// hundred times its length.
func (c *Conn) joinTail(e *entry) bool {
	o := c.out
	if len(o.entries) == 0 || e.topic != nil {
		return false
	}
	tail := &o.entries[len(o.entries)-1]
	if tail.topic != nil || tail.common || tail.shared.Len()+e.shared.Len() > directBytes {
		return false
	}
	_, _ = tail.shared.Write(e.shared.Bytes())
	c.loop.srv.charge(tail.shared)
	o.bytes += int64(e.shared.Len())
	e.release()
	return true
}

// congest begins the waiting for the socket, which so many bytes begin with.
func (c *Conn) congest(waiting int64) {
	l := c.loop
	l.lastToken++
	c.out = &outbound{token: l.lastToken}
	c.flags |= flagCongested
	l.congested[c.out.token] = c
	l.stats.congested.Add(1)
	l.srv.writable.watch(c)
	if c.state == stateOpen {
		l.wheel.set(c, min(c.due, l.wheel.now+ticks(l.srv.cfg.OutboundMaxAge)))
		c.trace(TraceCongested, 0, waiting)
	}
}

// relax ends it: everything has gone out, or the conn is going.
func (c *Conn) relax() {
	if c.out == nil {
		return
	}
	l := c.loop
	delete(l.congested, c.out.token)
	l.srv.writable.unwatch(c)
	for i := range c.out.entries {
		c.out.entries[i].release()
	}
	c.out.cut(len(c.out.entries))
	c.out.count(l)
	l.stats.queuedBytes.Add(-c.out.bytes)
	l.stats.congested.Add(-1)
	c.tellSent()
	c.out = nil
	c.flags &^= flagCongested
}

// drain sends what waits, now that the socket takes bytes again.
func (c *Conn) drain() {
	out := c.out
	c.encodeGaps()
	sent, offset, errno := 0, out.offset, c.sendCipher()
	if errno == 0 {
		sent, offset, errno = c.sendEntries(out.entries, out.offset)
	}
	if errno != 0 && errno != syscall.EAGAIN {
		c.abort(errno)
		return
	}
	out.advance(c.loop, sent, offset)
	if len(out.entries) == 0 && !c.cipherWaits() {
		c.relax()
		if c.state == stateOpen {
			c.trace(TraceDrained, 0, 0)
		}
		c.outputDone()
		return
	}
	c.loop.srv.writable.rewatch(c)
}

// advance drops the first sent entries, which the socket has taken, and notes that it took offset bytes of the next.
func (o *outbound) advance(l *loop, sent, offset int) {
	taken := int64(offset - o.offset)
	for i := range o.entries[:sent] {
		taken += int64(o.entries[i].shared.Len())
		o.entries[i].release()
	}
	o.cut(sent)
	o.count(l)
	o.begun = offset > 0 || o.begun && sent == 0
	o.offset = offset
	o.bytes -= taken
	l.stats.queuedBytes.Add(-taken)
}

// overflow makes room for e by its topic's policy. It releases e, and empties it, if e itself goes; or replaces it by its
// newest publication. Where older ones go for newer, the newest stays, though others may leave too little room for it: one
// entry per topic may be above the limit.
func (c *Conn) overflow(e *entry) {
	policy := Disconnect
	if e.topic != nil {
		policy = e.topic.policy()
	}
	switch policy {
	case Disconnect:
		c.dropEntry(DropSlow, e)
		e.release()
		*e = entry{}
		c.end(CauseSlow)
		return
	case KeepLatest:
		c.out.dropTopic(c, e.topic, 0, DropConflated)
		if e.newest != nil {
			c.keepNewest(e)
		}
	case DropOldest:
		c.out.dropTopic(c, e.topic, c.outboundLimit()-int64(e.shared.Len()), DropOldestFirst)
	case Suspend:
		c.suspend(e.topic)
		c.skip(e)
	case DropNewest:
		c.dropEntry(DropNewestFirst, e)
		c.leaveGap(e.topic, e.form, e.missing, e.since)
		e.release()
		*e = entry{}
	}
}

// keepNewest leaves of several publications the newest.
func (c *Conn) keepNewest(e *entry) {
	older := missing{e.after, e.prev}
	c.loop.receipts.lostOlder(e)
	c.noteDrop(Drop{Topic: e.topic, Reason: DropConflated, Count: int64(e.frames - 1), After: older.after, Before: older.last + 1})
	c.leaveGap(e.topic, e.form, older, e.since)
	e.shared.Release()
	e.shared, e.newest, e.frames, e.after = e.newest, nil, 1, e.prev
}

// dropTopic drops waiting entries of a topic, the oldest first, until no more than room bytes wait, and leaves a gap in their
// place. One that the socket has begun to take stays. What is newer than the last of them is not touched, so that the cost
// does not grow with the queue.
func (o *outbound) dropTopic(c *Conn, t *Topic, room int64, reason DropReason) {
	o.dropWhere(c, t, o.first(t), func(*entry) (drop, goOn bool) {
		goOn = o.bytes > room
		return goOn, goOn
	}, reason)
}

// maxPassed bounds the topics that a queue remembers.
const maxPassed = 1024

// first is the index of a topic's first publication that may be dropped; the length where there is none. It does not look twice
// at anything else: else whoever fills his queue from one of them would make each publication of another cost a walk
// through all of it.
func (o *outbound) first(t *Topic) int {
	i := 0
	if place := o.passed[t]; place > o.gone {
		i = int(min(place-o.gone, uint64(len(o.entries))))
	}
	for ; i < len(o.entries) && (o.entries[i].topic != t || o.entries[i].gap || i == 0 && o.begun); i++ {
	}
	if o.passed == nil || len(o.passed) >= maxPassed {
		o.passed = make(map[*Topic]uint64)
	}
	o.passed[t] = o.gone + uint64(i)
	return i
}

// dropWhere drops those entries of a topic for which drop is true, from the one at an index, before which there are none, to the
// first for which goOn is not: a run without exceptions, but for what the socket has begun to take. It leaves a gap in its place, if the topic has
// notices, to which gaps that are met are added; one on each side of what the conn was sent of its own, as leaveGap has it.
func (o *outbound) dropWhere(c *Conn, t *Topic, from int, which func(*entry) (drop, goOn bool), reason DropReason) {
	kept, seen := from, from      // entries[:kept] stay, entries[kept:seen] are free
	gapAt := o.gapBefore(from, t) // the gap that the next drop is added to; -1: none
	for ; seen < len(o.entries); seen++ {
		e := o.entries[seen]
		drop, goOn := which(&e)
		if !goOn {
			break
		}
		if e.topic != t || !drop || seen == 0 && o.begun {
			switch {
			case e.topic == nil || e.topic == t && !o.growable(seen):
				gapAt = -1
			case e.topic == t:
				gapAt = kept
			}
			if kept != seen {
				o.entries[kept] = e
			}
			kept++
			continue
		}
		o.forgetEntry(c, &e, reason)
		switch {
		case t.gap == nil:
		case gapAt < 0:
			gapAt = kept
			o.entries[kept] = gapEntry(t, e.form, e.missing, e.since)
			kept++
			o.gaps++
		default:
			o.reopen(c.loop, &o.entries[gapAt])
			o.entries[gapAt].last = e.last
		}
	}
	o.close(kept, seen)
	o.count(c.loop)
}

// close closes the hole entries[from:to], from its shorter side.
func (o *outbound) close(from, to int) {
	if from <= len(o.entries)-to {
		copy(o.entries[to-from:], o.entries[:from])
		o.cut(to - from)
		return
	}
	n := from + copy(o.entries[from:], o.entries[to:])
	clear(o.entries[n:])
	o.entries = o.entries[:n]
	o.gone += uint64(to - from)
}

// count brings the loop's sum of entries up to date.
func (o *outbound) count(l *loop) {
	l.stats.queuedEntries.Add(int64(len(o.entries) - o.counted))
	o.counted = len(o.entries)
}

// dropNewest drops waiting entries of a topic, the newest first, until no more than room bytes wait.
func (o *outbound) dropNewest(c *Conn, t *Topic, room int64) {
	from, bytes := len(o.entries), o.bytes
	for ; from > 0 && bytes > room; from-- {
		if e := &o.entries[from-1]; e.topic == t {
			bytes -= e.size()
		}
	}
	seen := 0
	o.dropWhere(c, t, 0, func(*entry) (drop, goOn bool) {
		seen++
		return seen > from, true
	}, DropNewestFirst)
}

// forgetEntry takes e, which is no longer among the entries, off the books.
func (o *outbound) forgetEntry(c *Conn, e *entry, reason DropReason) {
	o.bytes -= e.size()
	c.loop.stats.queuedBytes.Add(-e.size())
	if e.gap && e.shared == nil {
		o.gaps--
	}
	c.dropEntry(reason, e)
	e.release()
}

// cut forgets the first n entries, whose references are given away.
func (o *outbound) cut(n int) {
	clear(o.entries[:n])
	o.entries = o.entries[n:]
	o.gone += uint64(n)
}

// dropAll drops all that waits: it cannot be sent any more.
func (o *outbound) dropAll(l *loop) {
	for i := range o.entries {
		o.entries[i].release()
	}
	l.stats.queuedBytes.Add(-o.bytes)
	o.cut(len(o.entries))
	o.count(l)
	o.bytes, o.offset, o.begun = 0, 0, false
}

// dropWaiting drops all that waits but the entry that the socket has begun to take: a peer that is being closed as slow
// gets its close frame instead.
func (o *outbound) dropWaiting(c *Conn) {
	keep := 0
	if o.begun {
		keep = 1
	}
	for i := range o.entries[keep:] {
		o.forgetEntry(c, &o.entries[keep+i], DropSlow)
	}
	clear(o.entries[keep:])
	o.entries = o.entries[:keep]
	o.count(c.loop)
}
