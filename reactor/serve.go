package reactor

import (
	"syscall"
)

// accept takes a publication from the inbox to its group.
func (l *loop) accept(p *post) {
	g := p.topic.groupOn(l, p.variant)
	if g == nil || g.idle() {
		p.shared.Release()
		p.receipt.settle()
		return
	}
	p.receipt.find(g.members.live + len(g.joining))
	for _, j := range g.joining {
		j.hold(p)
	}
	if g.members.live == 0 {
		p.shared.Release()
		p.receipt.settle()
		return
	}
	if p.receipt != nil {
		l.receipts.track(p.shared, false, p.receipt)
	}
	g.arrive(arrival{shared: p.shared, exclude: p.conn, doubles: l.doubles(p), missing: missing{p.prev, p.seq}, receipt: p.receipt})
	if g.options.Gap > 0 && g.waitingBytes > l.srv.cfg.OutboundMaxBytes {
		g.overflow()
	}
	l.runq.push(g)
}

// acceptingShare is how much shorter a turn is in which a connection was accepted: the engine accepts one a turn, and where thousands wait the
// broadcasts must not leave them to the kernel, which drops them and has them wait for seconds.
const acceptingShare = 8

// turnBudget is how many deliveries this turn may have.
func (l *loop) turnBudget() int {
	budget := l.srv.cfg.TurnMaxSends
	if l.accepted {
		l.accepted = false
		budget = max(budget/acceptingShare, 1)
	}
	return budget
}

// serve sends publications to subscribers, as much as the turn's budget allows. The rest waits for the next turn, which it
// asks for: the poll in between reads what has come meanwhile.
func (l *loop) serve() {
	if l.runq.len() == 0 {
		return
	}
	several := false
	for budget := l.turnBudget(); budget > 0 && l.runq.len() > 0; {
		g := l.runq.pop()
		several = several || l.runq.len() > 0
		if window, b, ok := g.take(budget); ok {
			budget -= len(window)
			l.deliver(window, b, g.topic, several)
		}
		if g.settle() {
			l.runq.push(g)
		}
	}
	if l.runq.len() > 0 {
		l.inbox.wake()
	}
}

// deliver gives the batch to the members in window. Where several groups are being served in this turn, conns that are in
// more than one gather their batches, to get them in one write.
func (l *loop) deliver(window []*Conn, b *batch, t *Topic, several bool) {
	detour := flagsDetour
	if several {
		detour |= flagMulti
	}
	b.markExcluded(l, true)
	bytes := b.shared.Bytes()
	deliveries, sends := 0, 0
	for i := range window { // by index: a conn that fails leaves a tombstone in here
		c := window[i]
		if c == nil {
			continue
		}
		if c.flags&detour != 0 {
			deliveries += l.deliverDetour(c, b, t)
			continue
		}
		sends++
		n, errno := c.send(bytes)
		if n == len(bytes) {
			deliveries += int(b.frames)
			continue
		}
		deliveries += int(b.frames)
		if errno != 0 && errno != syscall.EAGAIN {
			l.stats.drops[DropPeerGone].Add(int64(b.frames))
			l.receipts.lost(b.shared)
			c.abort(errno)
			continue
		}
		c.enqueue(b.entry(t), n, false)
	}
	b.markExcluded(l, false)
	b.queue(sends)
	l.stats.deliveries.Add(int64(deliveries))
	l.stats.sends.Add(int64(sends))
	l.stats.bytesOut.Add(int64(sends) * int64(len(bytes)))
}

// deliverDetour is deliver for a conn that cannot simply be sent to: it gets its share at the end of the turn. It returns
// how many publications that is.
func (l *loop) deliverDetour(c *Conn, b *batch, t *Topic) int {
	b.queue(1)
	if c.flags&flagExcluded == 0 {
		l.gather(c, b.entry(t))
		return int(b.frames)
	}
	taken := 0
	for _, a := range b.parts {
		if !a.excludes(c) {
			a.shared.Retain()
			l.gather(c, entry{shared: a.shared, topic: t, form: b.form, frames: 1, missing: a.missing})
			taken++
		} else {
			a.leaveOut()
		}
	}
	return taken
}
