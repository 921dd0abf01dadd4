package broker

import (
	"strings"
	"sync/atomic"
)

const (
	// cursorCost is what a cursor costs beside its user's name: 64 B of its own, and up to 58 B in a map that is between 7/16 and 7/8 full; the rest is for
	// rounding the name up.
	cursorCost = 136
	// cursorsCost is what a log's first one costs beside that: the list, and a map that is nearly empty.
	cursorsCost = 240
)

// costOfCursor is what a cursor costs, the last or the first of a log, or another.
func costOfCursor(user string, only bool) int64 {
	cost := cursorCost + int64(len(user))
	if only {
		cost += cursorsCost
	}
	return cost
}

// cursorCounts are an engine's. Shared: atomic.
type cursorCounts struct {
	kept                               atomic.Int64
	forOthers, withChannel, unpromised atomic.Int64 // forgotten
	tooMany, noMemory                  atomic.Int64 // refused
}

// CursorStats say what a Memory keeps of what users have acknowledged, which cursors it forgot, and why users who came had none.
type CursorStats struct {
	Kept, Bytes int64
	// Forgotten: in the place of one that was used later, with the whole log, and because Retention changed.
	ForOthers, WithChannel, Unpromised int64
	// Refused: Retention.Cursors are held by others, or there is no memory.
	TooMany, NoMemory int64
}

func (m *Memory) cursorStats() CursorStats {
	c := &m.cursorCounts
	return CursorStats{
		Kept: c.kept.Load(), Bytes: m.cursors.bytes.Load(),
		ForOthers: c.forOthers.Load(), WithChannel: c.withChannel.Load(), Unpromised: c.unpromised.Load(),
		TooMany: c.tooMany.Load(), NoMemory: c.noMemory.Load(),
	}
}

// track makes a cursor, in the place of the one that nobody holds and was used longest ago if there are enough. nil where there is no
// room.
func (l *memoryLog) track(user string, offset uint64) *cursor {
	p := l.past
	if user == "" || p.retention.Cursors == 0 {
		return nil
	}
	counts := &p.engine.cursorCounts
	if p.cursors.len() >= p.retention.Cursors {
		if p.cursors.oldest == nil {
			counts.tooMany.Add(1)
			return nil
		}
		p.forget(p.cursors.oldest, &counts.forOthers)
	}
	if !p.engine.cursors.charge(costOfCursor(user, p.cursors == nil)) {
		counts.noMemory.Add(1)
		return nil
	}
	counts.kept.Add(1)
	if p.cursors == nil {
		p.cursors = &cursors{byUser: make(map[string]*cursor)}
	}
	c := &cursor{log: l, user: strings.Clone(user), offset: offset} // the name may be a part of something larger
	p.cursors.byUser[c.user] = c
	p.cursors.rest(c, p.now())
	return c
}

// forget lets a cursor go, and counts why.
func (p *past) forget(c *cursor, why *atomic.Int64) {
	if c.holds == 0 {
		p.cursors.wake(c)
	}
	delete(p.cursors.byUser, c.user)
	if len(p.cursors.byUser) == 0 {
		p.cursors = nil // a map keeps the room of what has gone
	}
	p.engine.cursors.bytes.Add(-costOfCursor(c.user, p.cursors == nil))
	p.engine.cursorCounts.kept.Add(-1)
	why.Add(1)
}

func (p *past) forgetAll(why *atomic.Int64) {
	if p.cursors == nil {
		return
	}
	for _, c := range p.cursors.byUser {
		p.forget(c, why)
	}
}

// fitCursors forgets those that are too many by now. Where the log still keeps some, those that are held stay until they are released.
func (p *past) fitCursors() {
	why := &p.engine.cursorCounts.unpromised
	if p.retention.Cursors == 0 {
		p.forgetAll(why)
	}
	for p.cursors.len() > p.retention.Cursors && p.cursors.oldest != nil {
		p.forget(p.cursors.oldest, why)
	}
}

// keepsCursors tells whether there are some for which the log must not be closed: held, or used since the oldest that it may keep was published. It may be
// closed rather than that users who come find no room.
func (p *past) keepsCursors() bool {
	switch all := p.cursors; {
	case all == nil:
		return false
	case all.idle < len(all.byUser):
		return true
	case p.engine.cursors.bytes.Load() > p.engine.cursors.max/4*3:
		return false
	default:
		return p.retention.Age == 0 || all.newest.usedAt > p.now()-int64(p.retention.Age)
	}
}
