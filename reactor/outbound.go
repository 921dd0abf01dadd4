package reactor

import (
	"syscall"

	"github.com/wsedge/wsedge/pool"
)

// entry is a piece of output: shared bytes, and what must be known to drop them.
type entry struct {
	shared *pool.Shared // owned
	last   *pool.Shared // owned; the newest of several publications alone, or nil
	topic  *Topic       // whose policy applies; nil: nobody may drop it
	frames int32        // publications in shared
	since  uint32       // tick at which it began to wait
}

func (e *entry) retain() {
	e.shared.Retain()
	if e.last != nil {
		e.last.Retain()
	}
}

func (e *entry) release() {
	e.shared.Release()
	if e.last != nil {
		e.last.Release()
	}
}

// outbound is what a socket has not taken yet: references, and an offset into the first.
type outbound struct {
	entries []entry
	offset  int    // bytes of entries[0] that the socket has taken
	begun   bool   // entries[0] goes on with something of which the socket has taken a part: it must not be dropped
	bytes   int64  // that wait, on the wire
	token   uint64 // names the conn to the writable poller
}

// enqueue puts e behind what waits, after the socket has taken sent bytes of it; it takes ownership. begun tells that bytes
// before e, of the same frame, are out. If it is more than the conn's limit, the policy of the topic decides.
func (c *Conn) enqueue(e entry, sent int, begun bool) {
	if c.flags&flagSlow != 0 && e.topic != nil {
		c.countDrop(DropSlow, &e)
		e.release()
		return
	}
	if c.out == nil {
		c.congest()
	}
	size := int64(e.shared.Len() - sent)
	if c.out.bytes > 0 && c.out.bytes+size > c.loop.srv.cfg.OutboundMaxBytes && c.state == stateOpen {
		if c.overflow(&e); e.shared == nil {
			return
		}
		size = int64(e.shared.Len())
	}
	if sent == 0 && !begun && c.out.joinTail(&e) {
		c.loop.stats.queuedBytes.Add(size)
		return
	}
	e.since = c.loop.wheel.now
	if len(c.out.entries) == 0 {
		c.out.offset, c.out.begun = sent, begun || sent > 0
	}
	c.out.entries = append(c.out.entries, e)
	c.out.bytes += size
	c.loop.stats.queuedBytes.Add(size)
}

// joinTail appends e, if it is small and belongs to this conn alone, to a last entry of that kind: alone, a pong would take a
// hundred times its length.
func (o *outbound) joinTail(e *entry) bool {
	if len(o.entries) == 0 || e.topic != nil {
		return false
	}
	tail := &o.entries[len(o.entries)-1]
	if tail.topic != nil || tail.shared.Len()+e.shared.Len() > directBytes {
		return false
	}
	_, _ = tail.shared.Write(e.shared.Bytes())
	o.bytes += int64(e.shared.Len())
	e.release()
	return true
}

// congest begins the waiting for the socket.
func (c *Conn) congest() {
	l := c.loop
	l.lastToken++
	c.out = &outbound{token: l.lastToken}
	c.flags |= flagCongested
	l.congested[c.out.token] = c
	l.stats.congested.Add(1)
	l.srv.writable.watch(c)
	if c.state == stateOpen {
		l.wheel.set(c, min(c.due, l.wheel.now+ticks(l.srv.cfg.OutboundMaxAge)))
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
	l.stats.queuedBytes.Add(-c.out.bytes)
	l.stats.congested.Add(-1)
	c.out = nil
	c.flags &^= flagCongested
}

// drain sends what waits, now that the socket takes bytes again.
func (c *Conn) drain() {
	out := c.out
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
		policy = e.topic.policy
	}
	switch policy {
	case Disconnect:
		c.countDrop(DropSlow, e)
		e.release()
		*e = entry{}
		c.end(CauseSlow)
		return
	case KeepLatest:
		c.out.dropTopic(c, e.topic, 0)
		if e.last != nil {
			c.loop.stats.drops[DropConflated].Add(int64(e.frames - 1))
			e.shared.Release()
			e.shared, e.last, e.frames = e.last, nil, 1
		}
	case DropOldest:
		c.out.dropTopic(c, e.topic, c.loop.srv.cfg.OutboundMaxBytes-int64(e.shared.Len()))
	case DropNewest:
		c.countDrop(DropNewestFirst, e)
		e.release()
		*e = entry{}
	}
}

// dropTopic drops waiting entries of a topic, the oldest first, until no more than room bytes wait. One that the socket has
// begun to take stays. What is newer than the last of them is not touched, so that the cost does not grow with the queue.
func (o *outbound) dropTopic(c *Conn, t *Topic, room int64) {
	seen, dropped := 0, 0
	for ; seen < len(o.entries) && o.bytes > room; seen++ {
		e := o.entries[seen]
		if e.topic != t || seen == 0 && o.begun {
			o.entries[seen-dropped] = e
			continue
		}
		dropped++
		o.bytes -= int64(e.shared.Len())
		c.loop.stats.queuedBytes.Add(-int64(e.shared.Len()))
		c.countDrop(t.policy.dropReason(), &e)
		e.release()
	}
	copy(o.entries[dropped:], o.entries[:seen-dropped])
	o.cut(dropped)
}

// cut forgets the first n entries, whose references are given away.
func (o *outbound) cut(n int) {
	clear(o.entries[:n])
	o.entries = o.entries[n:]
}

// dropAll drops all that waits: it cannot be sent any more.
func (o *outbound) dropAll(l *loop) {
	for i := range o.entries {
		o.entries[i].release()
	}
	l.stats.queuedBytes.Add(-o.bytes)
	o.cut(len(o.entries))
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
		e := &o.entries[keep+i]
		o.bytes -= int64(e.shared.Len())
		c.loop.stats.queuedBytes.Add(-int64(e.shared.Len()))
		c.countDrop(DropSlow, e)
		e.release()
	}
	clear(o.entries[keep:])
	o.entries = o.entries[:keep]
}

func (c *Conn) countDrop(r DropReason, e *entry) {
	c.loop.stats.drops[r].Add(int64(max(e.frames, 1)))
}

// dropReason is the reason under which the policy's drops are counted.
func (p SlowPolicy) dropReason() DropReason {
	switch p {
	case DropOldest:
		return DropOldestFirst
	case DropNewest:
		return DropNewestFirst
	case KeepLatest:
		return DropConflated
	default:
		return DropSlow
	}
}
