package jetstream

import "errors"

// store stores a cursor: one write at a time, in the place of what is known to be there. Where that is another by now it is read again, and what is
// owed is weighed against it. The caller has set writing.
func (t *cursors) store(c *cursor) {
	c.stream.whenKnown(func(err error) {
		t.mu.Lock()
		known := c.known
		t.mu.Unlock()
		switch {
		case err != nil:
			t.failed(c, err)
		case known:
			t.put(c)
		default:
			t.reads.Add(1)
			c.stream.get(c.subject, func(v stored, err error) {
				if err != nil {
					t.failed(c, err)
					return
				}
				t.mu.Lock()
				c.stored, c.known = v, true
				t.mu.Unlock()
				t.put(c)
			})
		}
	})
}

// target is where the cursor is to be in the stream; false: it is not to be written. The caller holds mu.
func (c *cursor) target() (at uint64, write bool) {
	there := c.stored.seq != 0 && c.stored.epoch == c.epoch
	if there {
		at = c.stored.offset
	}
	has := there
	if b := c.begins; b != nil && there == (b.was != nil) && (b.was == nil || *b.was == at) {
		at, has = b.at, true
	}
	if c.acks {
		at, has = max(at, c.acked), true
	}
	return at, has && (!there || at != c.stored.offset || c.touch)
}

// put writes what is owed, if that changes anything.
func (t *cursors) put(c *cursor) {
	t.mu.Lock()
	at, write := c.target()
	v := stored{epoch: c.epoch, offset: at, seq: c.stored.seq, at: t.engine.config.Now()}
	begins := c.begins
	if !write {
		after := t.done(c, c.stored, begins)
		t.mu.Unlock()
		after.run()
		return
	}
	t.mu.Unlock()
	t.writes.Add(1)
	c.stream.put(c.subject, v, func(seq uint64, err error) {
		switch {
		case errors.Is(err, errMoved):
			t.conflicts.Add(1)
			t.mu.Lock()
			c.known = false
			t.mu.Unlock()
			t.store(c)
		case err != nil:
			t.failed(c, err)
		default:
			v.seq = seq
			t.mu.Lock()
			after := t.done(c, v, begins)
			t.mu.Unlock()
			after.run()
		}
	})
}

// done notes what the stream has by now, with the beginning that was weighed. What has come meanwhile is stored later, or at once where nobody holds the cursor
// any more. The caller holds mu, and runs the answer without it.
func (t *cursors) done(c *cursor, v stored, weighed *beginning) (after afterwards) {
	c.stored, c.known, c.writing = v, true, false
	if v.seq == 0 || v.epoch == c.epoch {
		c.acks = c.acks && (v.seq == 0 || c.acked > v.offset)
		if c.begins == weighed {
			c.begins = nil
		}
		c.touch = false
	}
	if v.seq != 0 && v.epoch == c.epoch && !c.acks && c.begins == nil {
		c.has, c.at, c.since = true, v.offset, v.at
	}
	switch {
	case !c.owes():
	case c.holds == 0:
		after = t.begin(c)
	default:
		t.queue(c, &t.soon, cursorDelay)
	}
	t.settle(c)
	return after
}

// failed has a cursor stored later, whatever the reason is why it could not be now.
func (t *cursors) failed(c *cursor, err error) {
	t.failures.Add(1)
	t.mu.Lock()
	c.known, c.writing = false, false
	if errors.Is(err, ErrClosed) {
		c.acks, c.begins, c.touch = false, nil, false
	} else {
		t.queue(c, &t.later, cursorRetry)
	}
	t.settle(c)
	t.mu.Unlock()
}
