package loadtest

import "math"

// Where connections recover (Config.Recover), the account of a place in the ledger does not end with its connection. The rules,
// beside those of lives.go:
//
//   - Across a break that the server says is recovered the account goes on as if nothing had been: what was published meanwhile
//     is owed once, and in order. Of a break the ledger learns nothing at all.
//   - Where it is not recovered, the account ends, and another life begins, as in a run without recovery. What the old one was
//     owed and never got, from behind the last that arrived to what was intended for the time that the new one began at, is
//     unrecovered: expected, and told apart from what was lost. What comes of it nevertheless is not (BeforeLife).
//   - Who does not come back has recovered nothing: all that was sent since is unrecovered.

// gap is what a break that was not recovered has cost a subscriber of one stream: all from a sequence on that was intended for
// the times between since and until.
type gap struct {
	since, until int64 // in ns after the epoch
	from         uint32
}

// closedGap is one that nothing can fill any more.
type closedGap struct {
	gap
	stream  uint32
	arrived []span // came after all, in the life behind it
}

// neverBack is the end of a gap of a subscriber that has not come back.
const neverBack = int64(math.MaxInt64)

// breakOff closes the account of a subscriber that has come back at that time without a recovery: what it was owed since the
// beginning of its life, and has not got, is unrecovered. begin opens the next one.
func (l *ledger) breakOff(subscriber int, since, until int64) {
	gaps := make([]gap, l.publishers)
	for publisher := range gaps {
		gaps[publisher] = gap{since, until, l.awaited(subscriber, publisher)}
	}
	l.end(subscriber, since, false)
	if l.gaps == nil {
		l.gaps = map[uint64]gap{}
	}
	for publisher, g := range gaps {
		l.gaps[uint64(subscriber*l.publishers+publisher)] = g
	}
}

// closeGap takes what has arrived in the life behind a gap for all that comes of it.
func (l *ledger) closeGap(key uint64) {
	g, open := l.gaps[key]
	if !open {
		return
	}
	delete(l.gaps, key)
	subscriber, publisher := int(key)/l.publishers, int(key)%l.publishers
	l.closed = append(l.closed, closedGap{g, uint32(l.stream(subscriber, publisher)), l.early[key]})
}

// settleGaps counts what was not recovered. Clocks may have been wrong by doubt; what was intended in that time is owed neither
// before the break nor behind it.
func (l *ledger) settleGaps(totals []publisherTotals) {
	for key := range l.gaps {
		l.closeGap(key)
	}
	for _, g := range l.closed {
		if int(g.stream) >= len(totals) {
			continue
		}
		t := totals[g.stream]
		owed := span{max(g.from, t.owedSince(g.since+l.doubt)), min(t.owedSince(g.until-l.doubt), t.Sent)}
		for _, h := range owed.except(g.arrived) {
			n := uint64(h.to-h.from) - countWithin(t.Unknown, h)
			l.counts.Expected += n
			l.counts.Unrecovered += n
			l.sums.owed(int(g.stream), h)
			l.sums.unrecovered(int(g.stream), h)
		}
	}
}

// except is what is left of the span without others, which may be in any order.
func (h span) except(others []span) []span {
	left := []span{h}
	for _, o := range others {
		var next []span
		for _, s := range left {
			next = append(next, span{s.from, min(s.to, o.from)}, span{max(s.from, o.to), s.to})
		}
		left = next[:0]
		for _, s := range next {
			if s.from < s.to {
				left = append(left, s)
			}
		}
	}
	if h.from >= h.to {
		return nil
	}
	return left
}
