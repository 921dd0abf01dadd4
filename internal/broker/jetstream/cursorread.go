package jetstream

import (
	"errors"

	"github.com/wsedge/wsedge/internal/broker"
)

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
	here := l.phase == live && offset <= max(l.last, l.verified)
	if here {
		l.acknowledge(user, offset)
	}
	l.mu.Unlock()
	if here {
		return nil
	}
	started := l.engine.start(func() {
		l.whenLive(func(err error) {
			if err != nil {
				done(err)
				return
			}
			l.acknowledgeAhead(user, offset, done)
		})
	})
	if !started {
		return ErrClosed
	}
	return broker.ErrPending
}

// acknowledge is Acknowledge for a log that is live, of what has been published. The caller holds mu.
func (l *log) acknowledge(user string, offset uint64) {
	if user != "" && l.retention.Cursors > 0 {
		s := l.stream.acks
		l.engine.cursors.acknowledge(s, s.subjectOf(l.channel, user), l.is.epoch, offset)
	}
}

// acknowledgeAhead is Acknowledge of what this node may not have heard of yet: the user may have had it on another. The stream is asked how far it is.
func (l *log) acknowledgeAhead(user string, offset uint64, done func(error)) {
	take := func(is *identity, upTo uint64) error {
		l.mu.Lock()
		defer l.mu.Unlock()
		switch {
		case l.phase != live || is != nil && l.is.epoch != is.epoch:
			return ErrClosed
		case offset > max(l.last, l.verified, upTo):
			return broker.ErrAhead
		}
		l.acknowledge(user, offset)
		return nil
	}
	if err := take(nil, 0); !errors.Is(err, broker.ErrAhead) {
		done(err)
		return
	}
	l.mu.Lock()
	is := l.is
	l.mu.Unlock()
	if is == nil {
		done(ErrClosed)
		return
	}
	l.engine.locate(l.stream, l.subject(is), func(at place, err error) {
		if err == nil {
			err = take(is, at.upTo)
		}
		done(err)
	})
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
