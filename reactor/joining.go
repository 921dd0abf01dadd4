package reactor

import (
	"slices"

	"github.com/wsedge/wsedge/pool"
)

// Joining is a subscription in two steps, for layers that bring a subscriber up to date first: from Join on, live
// publications are held for the conn; the caller finds out the position of the channel and what the conn has missed, on
// whatever goroutine; back on the loop, by Conn.Post, it sends that, and Complete lets the held ones follow. So nothing is lost between
// history and live, and nothing comes twice. All its methods belong to the conn's loop.
type Joining struct {
	conn  *Conn
	topic *Topic
	held  []heldPublication
	bytes int64
	over  bool // the conn has left, or Complete was called
	lost  bool // more came than the conn's outbound limit allows to hold
}

// heldPublication is a live publication that waits for Complete.
type heldPublication struct {
	shared *pool.Shared // owned
	missing
}

// Join begins a subscription to t in form f. Errors are those of Subscribe.
func (c *Conn) Join(t *Topic, f Form) (*Joining, error) {
	if _, err := c.addSubscription(t, f); err != nil {
		return nil, err
	}
	j := &Joining{conn: c, topic: t}
	g := t.groupOn(c.loop, c.variant(f))
	g.joining = append(g.joining, j)
	return j, nil
}

// Complete makes the conn a subscriber. Call it from a post (Conn.Post) that was made when the position was known: then
// every publication up to that position has come to the loop before it, and none of them comes twice. The publications held since Join whose Seq is above after go out, behind what has
// been sent on the conn so far, and all later ones follow. ErrClosed: the conn has unsubscribed or closed meanwhile. If
// more came than OutboundMaxBytes allows to hold, the conn is closed as slow and ErrClosed returned.
func (j *Joining) Complete(after uint64) error {
	c := j.conn
	c.loop.check()
	if j.over {
		return ErrClosed
	}
	if j.lost {
		c.end(CauseSlow)
		return ErrClosed
	}
	s := c.subscriptionOf(j.topic)
	g := j.topic.groupOn(c.loop, c.variant(s.form))
	for _, h := range j.held {
		if h.last > after {
			h.shared.Retain()
			c.loop.stats.deliveries.Add(1)
			c.loop.gather(c, entry{shared: h.shared, topic: j.topic, form: s.form, frames: 1, missing: h.missing})
		}
	}
	g.unlist(j)
	j.drop()
	c.enterGroup(s)
	return nil
}

// Overflowed tells that more came than OutboundMaxBytes allows to hold, so that Complete will close the conn. Who can bring it up to date
// once more can Abort instead, and join again.
func (j *Joining) Overflowed() bool {
	j.conn.loop.check()
	return j.lost
}

// Abort ends a Joining that did not come to anything. It does nothing after Complete.
func (j *Joining) Abort() {
	j.conn.loop.check()
	if !j.over {
		j.conn.Unsubscribe(j.topic)
	}
}

// hold keeps a publication for Complete. It borrows p.
func (j *Joining) hold(p *post) {
	if p.conn == j.conn || j.conn.heardWide(p.spread) {
		p.receipt.leaveOut()
		return
	}
	if j.lost {
		j.conn.noteDrop(Drop{Topic: j.topic, Reason: DropSlow, Count: 1, After: p.prev, Before: p.seq + 1})
		return
	}
	j.bytes += int64(p.shared.Len())
	if j.bytes > j.conn.loop.srv.cfg.OutboundMaxBytes && len(j.held) > 0 {
		j.lost = true
		j.conn.noteDrop(Drop{
			Topic: j.topic, Reason: DropSlow, Count: int64(len(j.held) + 1), After: j.held[0].after, Before: p.seq + 1,
		})
		j.loseHeld()
		return
	}
	p.shared.Retain()
	p.receipt.queue(1)
	j.held = append(j.held, heldPublication{p.shared, missing{p.prev, p.seq}})
}

func (j *Joining) drop() {
	j.over = true
	j.releaseHeld()
}

// loseHeld is releaseHeld where the conn gets none of it.
func (j *Joining) loseHeld() {
	for _, h := range j.held {
		j.conn.loop.receipts.lost(h.shared)
	}
	j.releaseHeld()
}

func (j *Joining) releaseHeld() {
	for _, h := range j.held {
		h.shared.Release()
	}
	j.held = nil
}

// unlist takes j off the group's list.
func (g *group) unlist(j *Joining) {
	i := slices.Index(g.joining, j)
	g.joining = slices.Delete(g.joining, i, i+1)
}

// abandon ends the Joining of a conn that leaves before it is complete.
func (g *group) abandon(c *Conn) {
	i := slices.IndexFunc(g.joining, func(j *Joining) bool { return j.conn == c })
	g.joining[i].loseHeld()
	g.joining[i].drop()
	g.joining = slices.Delete(g.joining, i, i+1)
}
