package broker

// Cursors are up to where users have acknowledged a log that another engine keeps. They are bounded as a Memory's are, and live in this process.
// Safe from any goroutine.
type Cursors struct{ log memoryLog }

// OpenCursors begins to keep cursors of a log.
func (m *Memory) OpenCursors(r Retention) *Cursors {
	c := &Cursors{memoryLog{past: &m.none}}
	c.SetRetention(r)
	return c
}

// SetRetention changes how many are kept.
func (c *Cursors) SetRetention(r Retention) {
	c.log.SetRetention(Retention{Age: r.Age, Cursors: r.Cursors})
}

// Advance tells up to where there is something to acknowledge.
func (c *Cursors) Advance(offset uint64) {
	c.log.mu.Lock()
	c.log.offset = max(c.log.offset, offset)
	c.log.mu.Unlock()
}

// Of is the user's cursor, nil where it has none, and from where a RecoverQuery with that Since recovers in a log of that epoch.
func (c *Cursors) Of(user string, since *Position, epoch string) (at *uint64, from *Position) {
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	cursor := c.log.past.cursors.of(user)
	if cursor == nil {
		return nil, since
	}
	offset := cursor.offset
	return &offset, cursor.earlier(since, epoch)
}

// Acknowledge is Log's. It answers at once.
func (c *Cursors) Acknowledge(user string, offset uint64) error {
	return c.log.Acknowledge(user, offset, nil)
}

// Hold is Log's.
func (c *Cursors) Hold(user string, start Start) (Hold, uint64) { return c.log.Hold(user, start) }

// Trim tells whether there are some that are to be kept.
func (c *Cursors) Trim() (keeps bool) { return c.log.Trim() }

// Close forgets them.
func (c *Cursors) Close() { c.log.Close() }
