package jetstream

import (
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// deliverWide takes what an interest in a kind of channels has brought.
func (e *Engine) deliverWide(m *nats.Msg) {
	e.counters.received.Add(1)
	if w := e.wides.of(m.Sub); w != nil {
		w.arrived(m)
	}
}

// arrived takes a message that was republished.
func (w *wide) arrived(m *nats.Msg) {
	r, ok := recordOf(m)
	if !ok {
		return
	}
	w.mu.Lock()
	is, since := w.is, w.since
	if is == nil || !strings.HasPrefix(m.Subject, is.out) { // it is closed, or that is of another epoch
		w.mu.Unlock()
		return
	}
	w.seen = max(w.seen, r.seq)
	w.mu.Unlock()
	l, name := w.logOf(is, m.Subject[len(is.out):])
	if l != nil && l.fedWith(is, &r, since) || name == "" {
		return
	}
	w.deliver(name, &r, r.prev)
}

// logOf is a channel's log, opened where there is room; nil where there is not. The name is empty where it is none that this brings.
func (w *wide) logOf(is *identity, subject string) (*log, string) {
	if l := w.engine.logOf(is.out + subject); l != nil {
		return l, l.channel
	}
	name, ok := nameOf(subject)
	if !ok || !strings.HasPrefix(name, w.prefix) {
		return nil, ""
	}
	if w.engine.wides.tracked.Load() >= int64(w.engine.config.MaxTracked) {
		return nil, name
	}
	l, _ := w.sink.Log(name).(*log)
	return l, name
}

// deliver hands over a publication of a channel without a log. Two interests that cover it bring it one right behind the other. prev is 0 where nobody knows what was before it.
func (w *wide) deliver(name string, r *record, prev uint64) {
	if w.stream.bare.Swap(r.seq) == r.seq {
		return
	}
	w.stream.rise(r.seq)
	w.engine.wides.untracked.Add(1)
	if _, err := w.sink.Deliver(name, r.Publication, r.seq, prev); err != nil {
		w.engine.counters.gaps.Add(1)
	}
}

// rise notes that of channels without a log nothing up to seq is missing any more.
func (s *stream) rise(seq uint64) {
	for was := s.floor.Load(); seq > was && !s.floor.CompareAndSwap(was, seq); was = s.floor.Load() {
	}
}

// fedWith takes a record that an interest in a kind of channels has brought. A log that is not live yet begins in front of it; or, where its
// predecessor should have come, up to where everything did, which since and the stream's floor tell. It is false where the log is closed.
func (l *log) fedWith(is *identity, r *record, since uint64) bool {
	l.mu.Lock()
	if l.phase == closed || l.is != nil && l.is.epoch != is.epoch {
		defer l.mu.Unlock()
		return l.phase != closed // it is about to go on in that epoch, behind a gap
	}
	var after afterwards
	var waiting []func(error)
	starts := l.phase != live
	if starts {
		floor := l.stream.floor.Load()
		if r.seq <= floor { // it comes for a second time
			l.mu.Unlock()
			return true
		}
		last, message := r.seq-1, uint64(0)
		switch {
		case r.prev > max(floor, since):
			last = max(floor, since)
		case r.prev != 0:
			last, message = r.prev, r.prev
		}
		waiting = l.startAt(is, last, message, r.at)
		l.blind = r.prev > last || r.prev == 0
	}
	l.stirred = l.fed
	if r.seq > l.last {
		after = l.take(r)
		if starts && !l.reading {
			after = append(after, l.takeHeld()...)
		}
	}
	l.mu.Unlock()
	after.run()
	for _, do := range waiting {
		do(nil)
	}
	return true
}

// startAt makes a log live at a place, without asking for it. It returns who has waited for that. The caller holds mu.
func (l *log) startAt(is *identity, last, message uint64, at time.Time) (waiting []func(error)) {
	if l.is == nil {
		l.is, l.fed = is, true
		out := is.out + subjectOf(l.channel)
		d := l.engine.dispatcherOf(out)
		d.mu.Lock()
		d.logs[out] = l
		d.mu.Unlock()
		if !l.asked {
			l.engine.wides.tracked.Add(1)
		}
		if !l.engine.wides.cover(l.channel) { // it has ended meanwhile, perhaps without having seen this log
			l.engine.after(0, l.wean)
		}
	}
	waiting, l.waiting = l.waiting, nil
	l.phase = live
	l.last, l.message, l.verified, l.verifiedAt, l.messageAt = last, message, last, at, 0
	l.stream.enter(l)
	return waiting
}

// feed ends a log's own subscription: an interest in a kind of channels brings it all.
func (l *log) feed() {
	l.mu.Lock()
	sub := l.sub
	if sub != nil {
		l.sub, l.fed = nil, true
	}
	l.mu.Unlock()
	if sub == nil {
		return
	}
	l.engine.link.say(op{say: func(*nats.Conn) error { return sub.Unsubscribe() }})
	if !l.engine.wides.cover(l.channel) {
		l.wean()
	}
}

// wean has a log subscribe, if no interest feeds it any more, and somebody has asked for its position.
func (l *log) wean() {
	l.mu.Lock()
	if !l.fed || l.is == nil || l.engine.wides.cover(l.channel) {
		l.mu.Unlock()
		return
	}
	l.fed = false
	is, rests := l.is, l.phase == live && !l.asked
	if rests {
		l.rest()
	}
	l.mu.Unlock()
	if rests {
		l.stream.leave(l)
		return
	}
	l.subscribe(is)
}

// rest ends a log that lived for an interest. The caller holds mu, and takes it out of those that are compared.
func (l *log) rest() {
	l.deafen()
	l.phase, l.held, l.heldBytes, l.refused = idle, nil, 0, nil
	l.reading, l.again, l.tries = false, false, 0
	l.engine.wides.tracked.Add(-1)
}
