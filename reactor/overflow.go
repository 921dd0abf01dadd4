package reactor

import (
	"maps"
	"slices"
)

// overflow makes room by the topic's policy: more is published than the gap of the form lets through, and what waits would
// fill the node. One publication may be above the limit when nothing else waits.
func (g *group) overflow() {
	if len(g.waiting()) == 1 {
		return
	}
	switch g.topic.policy() {
	case DropNewest:
		g.dropPending(len(g.pending)-1, len(g.pending), DropNewestFirst)
	case DropOldest, Suspend:
		n := 1
		for room := g.waitingBytes - g.loop.srv.cfg.OutboundMaxBytes; n < len(g.waiting())-1; n++ {
			if room -= int64(g.waiting()[n-1].shared.Len()); room <= 0 {
				break
			}
		}
		g.dropPending(g.head, g.head+n, DropOldestFirst)
	case KeepLatest:
		g.dropPending(g.head, len(g.pending)-1, DropConflated)
	default:
		g.endMembers()
	}
}

// endMembers closes all members as slow. What waits goes with them: who is about to join has a queue of its own.
func (g *group) endMembers() {
	waiting := g.waiting()
	last := waiting[len(waiting)-1].last
	excluded := make(map[*Conn]int64)
	for _, a := range waiting {
		a.eachExcluded(g.loop, func(c *Conn) { excluded[c]++ })
	}
	first := 0 // of those that wait for the member: the ends ascend
	for i, c := range slices.Clone(g.members.slots) {
		for first < len(waiting) && waiting[first].end <= i {
			first++
		}
		if c == nil {
			continue
		}
		if n := int64(len(waiting)-first) - excluded[c]; n > 0 {
			c.noteDrop(Drop{Topic: g.topic, Reason: DropSlow, Count: n, After: waiting[first].after, Before: last + 1})
		}
		c.end(CauseSlow)
	}
	if g.members.live == 0 {
		g.discard() // its turn may be far away
	}
}

// dropPending drops those of the pending publications that none of the members gets, and leaves in their place one gap for those
// that went to the same members.
func (g *group) dropPending(from, to int, reason DropReason) {
	kept := from
	for i := from; i < to; i++ {
		a := g.pending[i]
		g.waitingBytes -= int64(a.shared.Len())
		g.loop.receipts.serve(&a)
		a.shared.Release()
		if !a.gap {
			g.noteDrop(&a, reason)
		}
		if g.topic.gap == nil {
			continue
		}
		if kept > g.head && g.pending[kept-1].gap && g.pending[kept-1].end == a.end {
			kept--
			a.after = g.pending[kept].after
			if a.exclude != g.pending[kept].exclude || !maps.Equal(a.doubles, g.pending[kept].doubles) {
				a.exclude, a.doubles = nil, nil // each of them misses something
			}
			g.waitingBytes -= int64(g.pending[kept].shared.Len())
			g.pending[kept].shared.Release()
		}
		g.pending[kept] = g.gapArrival(a)
		kept++
	}
	if from == g.head { // what comes behind may be much
		g.head = to - copy(g.pending[to-(kept-from):to], g.pending[from:kept])
		clear(g.pending[from:g.head])
	} else {
		n := kept + copy(g.pending[kept:], g.pending[to:])
		clear(g.pending[n:])
		g.pending = g.pending[:n]
	}
	g.shift()
}

// gapArrival is the notice that a, or what it now stands for, was dropped.
func (g *group) gapArrival(a arrival) arrival {
	_, class := g.loop.srv.form(g.variant)
	a.shared, a.gap, a.receipt = g.topic.gapNotice(g.form, class, a.missing), true, nil
	g.waitingBytes += int64(a.shared.Len())
	return a
}

// noteDrop counts and notes that no member gets a.
func (g *group) noteDrop(a *arrival, reason DropReason) {
	d := Drop{Topic: g.topic, Reason: reason, Count: 1, After: a.after, Before: a.last + 1}
	for _, c := range g.members.slots[:a.end] {
		if c != nil && !a.excludes(c) {
			c.noteDrop(d)
		}
	}
}
