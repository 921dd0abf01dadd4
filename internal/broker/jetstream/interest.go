package jetstream

import (
	"github.com/nats-io/nats.go"
)

// whenLive calls do when the log is live, or with why it is not; before this returns where that is known.
func (l *log) whenLive(do func(error)) {
	l.mu.Lock()
	switch l.phase {
	case live:
		l.mu.Unlock()
		do(nil)
		return
	case closed:
		l.mu.Unlock()
		do(ErrClosed)
		return
	}
	l.waiting = append(l.waiting, do)
	begins := l.phase == idle
	l.phase = starting
	l.mu.Unlock()
	if begins {
		l.stream.whenKnown(l.begin)
	}
}

// begin subscribes, and then asks where the log is: what is published after that arrives.
func (l *log) begin(is *identity, err error) {
	l.mu.Lock()
	if l.phase != starting {
		l.mu.Unlock()
		return
	}
	if err != nil {
		l.phase = idle
		waiting := l.waiting
		l.waiting = nil
		l.mu.Unlock()
		for _, do := range waiting {
			do(err)
		}
		return
	}
	l.is = is
	subject := l.subject(is)
	l.mu.Unlock()
	l.listen(is)
	l.engine.locate(l.stream, subject, func(at place, err error) { l.located(is, at, err) })
}

// listen subscribes to what is republished.
func (l *log) listen(is *identity) {
	out := is.out + token(l.channel)
	d := l.engine.dispatcherOf(out)
	d.mu.Lock()
	d.logs[out] = l
	d.mu.Unlock()
	l.engine.link.say(op{say: func(nc *nats.Conn) error {
		sub, err := nc.ChanSubscribe(out, d.messages)
		if err != nil {
			return err
		}
		l.mu.Lock()
		wanted := l.is == is && (l.phase == starting || l.phase == live)
		if wanted {
			l.sub = sub
		}
		l.mu.Unlock()
		if !wanted {
			return sub.Unsubscribe()
		}
		return nil
	}})
}

// deafen ends the interest. The caller holds mu.
func (l *log) deafen() {
	if l.is == nil {
		return
	}
	out := l.is.out + token(l.channel)
	d := l.engine.dispatcherOf(out)
	d.mu.Lock()
	if d.logs[out] == l {
		delete(d.logs, out)
	}
	d.mu.Unlock()
	l.is = nil
	if sub := l.sub; sub != nil {
		l.sub = nil
		l.engine.link.say(op{say: func(*nats.Conn) error { return sub.Unsubscribe() }})
	}
}

// located takes where the log begins. What has arrived since is behind it, or was counted in it.
func (l *log) located(is *identity, at place, err error) {
	l.mu.Lock()
	if l.is != is || l.phase != starting {
		l.mu.Unlock()
		return
	}
	waiting := l.waiting
	l.waiting = nil
	if err != nil {
		l.deafen()
		l.phase, l.held, l.heldBytes = idle, nil, 0
		l.mu.Unlock()
		for _, do := range waiting {
			do(err)
		}
		return
	}
	l.phase = live
	l.last, l.message, l.verified, l.verifiedAt, l.messageAt = at.offset(), at.seq, at.upTo, at.asked, 0
	l.stream.enter(l)
	after := l.takeHeld()
	l.mu.Unlock()
	after.run()
	for _, do := range waiting {
		do(nil)
	}
}

// lost goes on in another epoch. Subscribers are told that something may be missing.
func (l *log) lost(is *identity) {
	l.mu.Lock()
	if l.phase != live && l.phase != starting || l.is == nil || l.is.epoch == is.epoch || !l.stream.current(is) {
		l.mu.Unlock()
		return
	}
	l.deafen()
	l.is = is
	l.held, l.heldBytes, l.refused, l.reading = nil, 0, nil, true // until it is known where the new one begins
	first := l.phase == starting
	subject := l.subject(is)
	l.mu.Unlock()
	l.listen(is)
	if first {
		l.engine.locate(l.stream, subject, func(at place, err error) { l.located(is, at, err) })
		return
	}
	l.relocate(is, subject)
}

// relocate finds where a new epoch begins, however long it takes.
func (l *log) relocate(is *identity, subject string) {
	l.engine.locate(l.stream, subject, func(at place, err error) {
		l.mu.Lock()
		if l.is != is || l.phase != live {
			l.mu.Unlock()
			return
		}
		if err != nil || !l.gap(at.offset()+1) {
			l.mu.Unlock()
			l.engine.after(stallRetry, func() { l.relocate(is, subject) })
			return
		}
		l.message, l.verified, l.verifiedAt, l.messageAt, l.reading = at.seq, at.upTo, at.asked, 0, false
		after := l.takeHeld()
		l.mu.Unlock()
		after.run()
	})
}

// enter notes that a log is live. The caller holds the log's mutex.
func (s *stream) enter(l *log) {
	s.mu.Lock()
	l.index = len(s.open)
	s.open = append(s.open, l)
	s.mu.Unlock()
}

// leave ends that.
func (s *stream) leave(l *log) {
	s.mu.Lock()
	last := s.open[len(s.open)-1]
	s.open[l.index], last.index = last, l.index
	s.open[len(s.open)-1] = nil
	s.open = s.open[:len(s.open)-1]
	s.mu.Unlock()
}
