package loadtest

import "time"

// behindInterval is how often a loop counts those that lack something, while it waits for the last deliveries.
const behindInterval = int64(100 * time.Millisecond)

// sealAt notes what has been sent in all.
func (l *loop) sealAt(c *sealCommand) {
	l.lives.sealed, l.lives.sealedAt = c, 0
}

// behindDue counts the connections that lack some of what was sent, once that is known, and those that are coming back.
func (l *loop) behindDue(now int64) int64 {
	v := &l.lives
	if now < v.sealedAt {
		return v.sealedAt
	}
	behind := l.returning()
	for slot := range l.conns {
		if c := &l.conns[slot]; c.life == lifeOn && !c.slow && l.ledger.lacks(slot, c.began, v.sealed) {
			behind++
		}
	}
	l.tally.counts.Sealed, l.tally.counts.Behind = 1, behind
	v.sealedAt = now + behindInterval
	return v.sealedAt
}

// lacks says whether a subscriber whose life began at that time has not got all that was sent. Holes do not count: they are not
// likely to be filled.
func (l *ledger) lacks(subscriber int, ready int64, sealed *sealCommand) bool {
	for publisher := range l.publishers {
		stream := l.stream(subscriber, publisher)
		if stream < len(sealed.Sent) && ready+sealed.Doubt <= sealed.Last[stream] && l.next[subscriber*l.publishers+publisher] < sealed.Sent[stream] {
			return true
		}
	}
	return false
}
