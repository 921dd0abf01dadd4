package reactor

import (
	"runtime/debug"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/pool"
)

// Drop says what a conn does not get of a topic, and why.
type Drop struct {
	Topic  *Topic
	Reason DropReason
	// Count is how many publications.
	Count int64
	// After and Before bound their Seqs; both are exclusive. After is the Prev of the first of them.
	After, Before uint64
}

// GapEncoder makes notices of what a subscriber did not get.
type GapEncoder interface {
	// AppendGap appends the complete wire bytes, in form f, of a notice that the publications whose Seqs lie between after
	// and before, both exclusive, were dropped: one WebSocket frame, not compressed, which goes out in their place. What is
	// dropped around it is added to it, but for what the conn was sent something of its own in between. Appending nothing means
	// that there is no notice, and so does a panic. It is called on the loop of the conn.
	AppendGap(dst []byte, f Form, after, before uint64) []byte
}

// missing is what a subscriber misses without some piece of output: the Seqs above after, up to last.
type missing struct{ after, last uint64 }

// notedDrop is a drop that Config.OnDrop has not been told of.
type notedDrop struct {
	conn *Conn
	Drop
}

// noteDrop counts a drop, and notes it for the end of the turn: the embedder must not change the queue that is being changed.
func (c *Conn) noteDrop(d Drop) {
	l := c.loop
	l.stats.drops[d.Reason].Add(d.Count)
	if l.srv.cfg.OnDrop == nil {
		return
	}
	if n := len(l.drops) - 1; n >= 0 {
		last := &l.drops[n]
		if last.conn == c && last.Topic == d.Topic && last.Reason == d.Reason && last.Before == d.After+1 {
			last.Count += d.Count
			last.Before = d.Before
			return
		}
	}
	l.drops = append(l.drops, notedDrop{c, d})
}

// dropEntry counts and notes what goes with e. It does not release it.
func (c *Conn) dropEntry(r DropReason, e *entry) {
	c.loop.receipts.lost(e.shared)
	switch {
	case e.gap: // it was counted when it became one
	case e.topic == nil:
		c.loop.stats.drops[r].Add(1)
	default:
		c.noteDrop(Drop{Topic: e.topic, Reason: r, Count: int64(e.frames), After: e.after, Before: e.last + 1})
	}
}

// tellDrops calls OnDrop for all that the turn has dropped.
func (l *loop) tellDrops() {
	for i := 0; i < len(l.drops); i++ { // what the embedder does may drop more
		d := l.drops[i]
		l.callDrop(d.conn, d.Drop)
	}
	l.drops = emptied(l.drops)
}

func (l *loop) callDrop(c *Conn, d Drop) {
	defer c.recoverHandler()
	l.srv.cfg.OnDrop(c, d)
}

// gapEntry is what takes the place of dropped output; its notice is made when it goes out, because more may be added to it.
func gapEntry(t *Topic, f Form, m missing, since uint32) entry {
	return entry{topic: t, form: f, gap: true, missing: m, since: since}
}

// reopen makes room for a change of a gap whose notice has been made: it is made anew.
func (o *outbound) reopen(l *loop, gap *entry) {
	if gap.shared == nil {
		return
	}
	o.bytes -= int64(gap.shared.Len())
	l.stats.queuedBytes.Add(-int64(gap.shared.Len()))
	gap.shared.Release()
	gap.shared = nil
	o.gaps++
}

// gapNotice makes the notice of a gap for conns of a class; the caller owns it. After a panic of the embedder's it is as if there was none.
func (t *Topic) gapNotice(f Form, class deflateClass, m missing) (s *pool.Shared) {
	s = pool.NewShared(128)
	defer func() {
		if p := recover(); p != nil {
			t.srv.counters.panics.Add(1)
			t.srv.cfg.Logger.Error("gap encoder panicked", "panic", p, "stack", string(debug.Stack()))
		}
		t.srv.charge(s)
	}()
	notice := t.gap.AppendGap(s.Storage(), f, m.after, m.last+1)
	if class == classDialed {
		notice = frame.AppendMaskedFrames(nil, notice, randomKey)
	}
	s.SetBytes(notice)
	return s
}

// leaveGap notes behind all that waits that publications of a topic are missing from there on, since that tick: in the topic's
// last entry, if that is a gap that can still be changed. No gap grows past what the conn was sent of its own: a client that
// has left the topic and come back would not take the notice to be about what it misses since.
func (c *Conn) leaveGap(t *Topic, f Form, m missing, since uint32) {
	o := c.out
	if t.gap == nil {
		return
	}
	if i := o.gapBefore(len(o.entries), t); i >= 0 {
		o.reopen(c.loop, &o.entries[i])
		o.entries[i].last = m.last
		return
	}
	o.entries = append(o.entries, gapEntry(t, f, m, since))
	o.gaps++
	o.count(c.loop)
}

// gapReach is how many entries back a gap is looked for that can grow; from further on there may be one more.
const gapReach = 256

// gapBefore is the index of the gap that what is dropped of a topic at an index is added to; -1 where there is none.
func (o *outbound) gapBefore(index int, t *Topic) int {
	for i := index - 1; i >= max(0, index-gapReach) && o.entries[i].topic != nil; i-- {
		if o.entries[i].topic == t {
			if o.growable(i) {
				return i
			}
			break
		}
	}
	return -1
}

// growable tells whether the entry at index i is a gap that the socket has not begun to take.
func (o *outbound) growable(i int) bool { return o.entries[i].gap && !(i == 0 && o.begun) }

// encodeGaps makes the notices of all gaps: what waits is about to go out.
func (c *Conn) encodeGaps() {
	o := c.out
	if o.gaps == 0 {
		return
	}
	for i := range o.entries {
		e := &o.entries[i]
		if e.gap && e.shared == nil {
			e.shared = e.topic.gapNotice(e.form, c.class, e.missing)
			o.bytes += int64(e.shared.Len())
			c.loop.stats.queuedBytes.Add(int64(e.shared.Len()))
		}
	}
	o.gaps = 0
}
