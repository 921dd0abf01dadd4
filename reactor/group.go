package reactor

import (
	"time"

	"github.com/wsedge/wsedge/pool"
)

// maxBatchBytes bounds the publications that are joined into one write: past 64 KiB a send costs by its bytes, and
// joining saves nothing.
const maxBatchBytes = 64 << 10

// group is the subscribers of one topic in one variant on one loop, and the publications on their way to them. Owned by the
// loop.
type group struct {
	// Immutable after newGroup.
	loop    *loop
	topic   *Topic
	variant variant
	form    Form
	options FormOptions

	members roster[*Conn]
	joining []*Joining // conns that are about to be members; see Conn.Join
	pending []arrival  // behind the batch; those before head have been taken
	head    int

	waitingBytes int64 // of pending, on the wire
	batch        batch // being served
	cursor       int   // members before it have been served the batch
	queued       bool  // in the loop's run queue
	paused       bool  // waits for the gap of its form to pass
}

// arrival is a publication that has come to the loop.
type arrival struct {
	shared  *pool.Shared // owned
	exclude *Conn        // gets nothing of it; may be nil
	doubles connSet      // have got it by another topic; see loop.doubles
	missing              // without it
	end     int          // it is for the first end slots of the roster
	gap     bool         // the notice of publications that were dropped for all
	receipt *Receipt     // a part of it goes with the arrival; nil: nobody asks
}

// excludes tells whether a member gets nothing of it.
func (a *arrival) excludes(c *Conn) bool { return a.exclude == c || a.doubles.has(c) }

// eachExcluded calls do for the conns of a loop that get nothing of it.
func (a *arrival) eachExcluded(l *loop, do func(*Conn)) {
	if a.exclude != nil && a.exclude.loop == l {
		do(a.exclude)
	}
	for c := range a.doubles {
		if c != a.exclude {
			do(c)
		}
	}
}

// batch is the publications that are served together: the same bytes for every member, but for those that some
// publication leaves out.
type batch struct {
	shared  *pool.Shared // owned; all of them joined. nil: there is no batch
	newest  *pool.Shared // owned; the newest alone, for KeepLatest. nil where there is but one
	parts   []arrival    // each of them, owned, where one leaves a conn out or has a receipt; else nil
	missing              // without all of them
	prev    uint64       // Seq before that of newest
	frames  int32        // how many; none in the notice of a gap
	end     int          // for the first end slots
	form    Form
	gap     bool
}

// entry is the batch as output of a conn of the topic. The caller owns it.
func (b *batch) entry(t *Topic) entry {
	b.shared.Retain()
	if b.newest != nil {
		b.newest.Retain()
	}
	return entry{
		shared: b.shared, newest: b.newest, topic: t, missing: b.missing, prev: b.prev, frames: b.frames, form: b.form, gap: b.gap,
	}
}

func newGroup(l *loop, t *Topic, v variant) *group {
	f, _ := l.srv.form(v)
	g := &group{loop: l, topic: t, variant: v, form: f, options: l.srv.cfg.Forms[f]}
	g.members.moved = func(c *Conn, index int) { c.subscriptionOf(t).index = int32(index) }
	return g
}

// idle tells that nothing of the group is worth keeping.
func (g *group) idle() bool { return g.members.live == 0 && len(g.joining) == 0 }

// busy tells that something refers to roster indexes.
func (g *group) busy() bool { return g.batch.shared != nil || len(g.waiting()) > 0 }

// waiting is what has come and is in no batch yet.
func (g *group) waiting() []arrival { return g.pending[g.head:] }

// arrive takes ownership of one publication.
func (g *group) arrive(a arrival) {
	a.end = len(g.members.slots)
	g.waitingBytes += int64(a.shared.Len())
	g.pending = append(g.pending, a)
	g.members.inUse = true
}

// take returns the next slots to be served and the batch for them, at most n, and whether there is one.
func (g *group) take(n int) ([]*Conn, *batch, bool) {
	if g.batch.shared == nil {
		if len(g.waiting()) == 0 {
			return nil, nil, false
		}
		g.begin()
	}
	first := g.cursor
	g.cursor = min(first+n, g.batch.end)
	return g.members.slots[first:g.cursor], &g.batch, true
}

// settle ends the batch if all have been served, closes holes where that is due, and reports whether there is more to do.
func (g *group) settle() (more bool) {
	if g.idle() {
		g.discard()
		g.topic.forget(g)
		return false
	}
	if g.batch.shared != nil && g.cursor >= g.batch.end {
		g.release()
		if gap := g.options.Gap; gap > 0 {
			g.pause(gap)
		}
	}
	if g.batch.shared == nil && (len(g.waiting()) == 0 || g.members.holes() > g.members.live/4) {
		g.compact()
	}
	return g.busy()
}

// begin makes a batch of the leading arrivals that are for the same members, as far as they fit.
func (g *group) begin() {
	n, size := g.batchSpan()
	taken := g.waiting()[:n]
	g.waitingBytes -= int64(size)
	first, last := &taken[0], &taken[n-1]
	b := batch{
		missing: missing{first.after, last.last}, prev: last.after, frames: int32(n), end: first.end, form: g.form, gap: first.gap,
	}
	if b.gap {
		b.frames = 0
	}
	if n == 1 {
		b.shared = first.shared
		b.shared.Retain()
	} else {
		b.shared = pool.NewShared(size)
		for _, a := range taken {
			_, _ = b.shared.Write(a.shared.Bytes())
		}
		g.topic.srv.charge(b.shared)
		b.newest = last.shared
		b.newest.Retain()
	}
	b.parts = g.keepParts(taken)
	if n > 1 {
		g.loop.receipts.trackBatch(&b)
	}
	clear(taken)
	g.head += n
	g.shift()
	g.batch, g.cursor = b, 0
}

// shift gives room back in front of what waits, at a cost that does not grow with its length.
func (g *group) shift() {
	const worth = 256
	switch waiting := g.waiting(); {
	case len(waiting) == 0:
		g.pending, g.head = emptied(g.pending), 0
	case g.head >= worth && g.head >= len(waiting):
		n := copy(g.pending, waiting)
		clear(g.pending[n:])
		g.pending, g.head = g.pending[:n], 0
	}
}

// batchSpan returns how many of the pending publications go together, and their bytes.
func (g *group) batchSpan() (n, size int) {
	waiting := g.waiting()
	first := waiting[0]
	n, size = 1, first.shared.Len()
	if g.options.NoCoalesce || g.options.Gap > 0 {
		return n, size
	}
	for _, a := range waiting[1:] {
		if a.end != first.end || size+a.shared.Len() > maxBatchBytes {
			break
		}
		n, size = n+1, size+a.shared.Len()
	}
	return n, size
}

// keepParts takes over the references of publications: it returns them where one leaves a conn of this loop out, or has a receipt; else it
// releases them.
func (g *group) keepParts(taken []arrival) []arrival {
	for _, a := range taken {
		if a.exclude != nil && a.exclude.loop == g.loop || len(a.doubles) > 0 || a.receipt != nil {
			return append([]arrival(nil), taken...)
		}
	}
	for _, a := range taken {
		a.shared.Release()
	}
	return nil
}

// markExcluded flags, or unflags, the conns of this loop that some part of the batch leaves out.
func (b *batch) markExcluded(l *loop, excluded bool) {
	for _, a := range b.parts {
		a.eachExcluded(l, func(c *Conn) {
			if excluded {
				c.flags |= flagExcluded
			} else {
				c.flags &^= flagExcluded
			}
		})
	}
}

// release ends the batch.
func (g *group) release() {
	g.loop.receipts.serveBatch(&g.batch)
	for i := range g.batch.parts {
		a := &g.batch.parts[i]
		g.loop.receipts.serve(a)
		a.shared.Release()
	}
	if g.batch.newest != nil {
		g.batch.newest.Release()
	}
	g.batch.shared.Release()
	g.batch, g.cursor = batch{}, 0
}

// compact closes the holes of the roster. There is no batch, but there may be arrivals.
func (g *group) compact() {
	bounds := make([]*int, 0, 8)
	waiting := g.waiting()
	for i := range waiting {
		bounds = append(bounds, &waiting[i].end)
	}
	if g.members.holes() > 0 {
		g.members.compact(bounds)
	}
	g.members.inUse = len(waiting) > 0
}

// discard throws away what is on its way: nobody is left to get it.
func (g *group) discard() {
	if g.batch.shared != nil {
		g.release()
	}
	waiting := g.waiting()
	for i := range waiting {
		g.loop.receipts.serve(&waiting[i])
		waiting[i].shared.Release()
	}
	g.pending, g.head, g.waitingBytes = nil, 0, 0
	g.compact()
}

// pause keeps the group from being served until gap has passed.
func (g *group) pause(gap time.Duration) {
	g.paused = true
	l := g.loop
	l.paused[g] = time.AfterFunc(gap, func() { l.inbox.put(post{kind: postResume, group: g}) })
}
