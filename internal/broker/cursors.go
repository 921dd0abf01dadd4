package broker

// cursors are up to where users have acknowledged a log. Those that no subscription holds are in a list, by their last use. Guarded by
// the log's mutex.
type cursors struct {
	byUser         map[string]*cursor
	oldest, newest *cursor // of those that nobody holds
	idle           int     // how many these are
}

// cursor is a user's. Guarded by the log's mutex.
type cursor struct {
	log          *memoryLog // immutable, as is user
	user         string
	offset       uint64
	holds        int
	usedAt       int64   // while nobody holds it: since when, or when it was acknowledged by; Unix time in nanoseconds
	older, newer *cursor // likewise
}

// of is the user's cursor; nil where there is none.
func (all *cursors) of(user string) *cursor {
	if all == nil {
		return nil
	}
	return all.byUser[user]
}

func (all *cursors) len() int {
	if all == nil {
		return 0
	}
	return len(all.byUser)
}

// rest puts a cursor that nobody holds behind all others.
func (all *cursors) rest(c *cursor, now int64) {
	c.usedAt, c.older, c.newer = now, all.newest, nil
	if all.newest != nil {
		all.newest.newer = c
	} else {
		all.oldest = c
	}
	all.newest = c
	all.idle++
}

// wake takes a cursor out of the list.
func (all *cursors) wake(c *cursor) {
	if c.older != nil {
		c.older.newer = c.newer
	} else {
		all.oldest = c.newer
	}
	if c.newer != nil {
		c.newer.older = c.older
	} else {
		all.newest = c.older
	}
	c.older, c.newer = nil, nil
	all.idle--
}

func (l *memoryLog) Acknowledge(user string, offset uint64, _ func(error)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if offset > l.offset {
		return ErrAhead
	}
	c := l.past.cursors.of(user)
	if c == nil {
		l.track(user, offset) // without one, the user will be told on return that something may be missing
		return nil
	}
	c.offset = max(c.offset, offset)
	if c.holds == 0 {
		l.past.cursors.wake(c)
		l.past.cursors.rest(c, l.past.now())
	}
	return nil
}

func (l *memoryLog) Hold(user string, start Start) (Hold, uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.past.cursors.of(user)
	switch {
	case c == nil:
		if c = l.track(user, min(start.At, l.offset)); c == nil {
			return nil, 0
		}
	case start.Was != nil && c.offset == *start.Was:
		c.offset = max(c.offset, min(start.At, l.offset))
	}
	if c.holds++; c.holds == 1 {
		l.past.cursors.wake(c)
	}
	return c, c.offset
}

// Release implements Hold.
func (c *cursor) Release() {
	l := c.log
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.past.cursors
	if all.of(c.user) != c { // it was forgotten meanwhile: the log is closed, or keeps no cursors any more
		return
	}
	if c.holds--; c.holds > 0 {
		return
	}
	all.rest(c, l.past.now())
	l.past.fitCursors() // there may have been too many all the time
}
