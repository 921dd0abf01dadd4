package jetstream

import "github.com/wsedge/wsedge/internal/broker"

// cursorOf finds the cursor of a user in the log, which is live; nil where there is none, or none is promised. Before this returns where nothing has to be
// asked for.
func (l *log) cursorOf(user string, done func(*broker.Position, error)) {
	l.mu.Lock()
	is, promised := l.is, l.retention.Cursors > 0 && user != ""
	l.mu.Unlock()
	if !promised || is == nil {
		done(nil, nil)
		return
	}
	s := l.stream.acks
	l.engine.cursors.read(s, s.subjectOf(l.channel, user), is.epoch, func(at *uint64, err error) {
		if err != nil || at == nil {
			done(nil, err)
			return
		}
		done(&broker.Position{Epoch: is.epoch, Offset: *at}, nil)
	})
}

// read finds where a cursor is in an epoch: where the stream has it, or this node is about to put it. nil: there is none.
func (t *cursors) read(s *cursorStream, subject, epoch string, done func(*uint64, error)) {
	before := t.local(subject, epoch) // by the time of the answer it may be stored, and out of hand
	s.whenKnown(func(err error) {
		if err != nil {
			done(nil, err)
			return
		}
		t.reads.Add(1)
		s.get(subject, func(v stored, err error) {
			if err != nil {
				t.failures.Add(1)
				done(nil, err)
				return
			}
			at := higher(before, t.local(subject, epoch))
			if v.seq != 0 && v.epoch == epoch {
				at = higher(at, &v.offset)
				t.keepYoung(s, subject, v)
			}
			done(at, nil)
		})
	})
}

// local is where this node knows a cursor to be; nil where it does not.
func (t *cursors) local(subject, epoch string) *uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.all[subject]
	if c == nil || c.epoch != epoch || !c.has {
		return nil
	}
	at := c.at
	return &at
}

func higher(a, b *uint64) *uint64 {
	if a == nil || b != nil && *b > *a {
		return b
	}
	return a
}

// keepYoung has a cursor that is used, and was stored long ago, stored again: age counts from its last use.
func (t *cursors) keepYoung(s *cursorStream, subject string, v stored) {
	age := s.age()
	if age == 0 || t.engine.config.Now().Sub(v.at) < age/4 {
		return
	}
	t.mu.Lock()
	c, begin := t.of(s, subject, v.epoch), afterwards(nil)
	if c != nil {
		if c.touch = true; !c.has {
			c.has, c.at = true, v.offset
		}
		t.settle(c)
		begin = t.begin(c)
	}
	t.mu.Unlock()
	begin.run()
}

// Acknowledge implements broker.Log.
func (l *log) Acknowledge(user string, offset uint64, done func(error)) error {
	l.mu.Lock()
	if l.phase == live {
		defer l.mu.Unlock()
		return l.acknowledge(user, offset)
	}
	l.mu.Unlock()
	started := l.engine.start(func() {
		l.whenLive(func(err error) {
			if err == nil {
				l.mu.Lock()
				err = l.acknowledge(user, offset)
				l.mu.Unlock()
			}
			done(err)
		})
	})
	if !started {
		return ErrClosed
	}
	return broker.ErrPending
}

// acknowledge is Acknowledge for a log that was live a moment ago. The caller holds mu.
func (l *log) acknowledge(user string, offset uint64) error {
	switch {
	case l.is == nil:
		return ErrClosed
	case offset > max(l.last, l.verified):
		return broker.ErrAhead
	case user != "" && l.retention.Cursors > 0:
		s := l.stream.acks
		l.engine.cursors.acknowledge(s, s.subjectOf(l.channel, user), l.is.epoch, offset)
	}
	return nil
}

// Hold implements broker.Log.
func (l *log) Hold(user string, start broker.Start) (broker.Hold, uint64) {
	l.mu.Lock()
	is, promised := l.is, l.retention.Cursors > 0 && user != ""
	l.mu.Unlock()
	if !promised || is == nil {
		return nil, 0
	}
	s := l.stream.acks
	return l.engine.cursors.hold(s, s.subjectOf(l.channel, user), is.epoch, start)
}
