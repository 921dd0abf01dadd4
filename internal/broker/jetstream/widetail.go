package jetstream

import (
	"strconv"
	"strings"
)

// maxMissedPages bounds what is read for an interest in a kind of channels that was away. What is more is given up: the log of the node says so, and channels
// find out with their next publication.
const maxMissedPages = 256

// compare looks whether the stream has anything behind what has come. A message of which there is no sign means nothing: it costs no data.
func (w *wide) compare() {
	w.mu.Lock()
	is, seen, ready, busy := w.is, w.seen, w.ready, w.reading || w.doubt
	w.mu.Unlock()
	switch {
	case !ready:
		w.stream.whenKnown(w.begin)
		return
	case busy:
		w.catchUp()
		return
	}
	query := directQuery{Seq: seen + 1, NextFor: is.in + coverOf(w.prefix)}
	w.engine.directOne(w.stream, query, func(a answer, err error) {
		switch {
		case err != nil:
		case len(a.messages) == 0:
			w.mu.Lock()
			if w.is == is && !w.doubt && !w.reading {
				w.sure = max(w.sure, seen)
			}
			w.mu.Unlock()
		default:
			seq, _ := strconv.ParseUint(header(a.messages[0], headerSequence), 10, 64)
			w.engine.after(settling, func() { w.behind(is, seq) })
		}
	})
}

// behind reads what is missing, if that message has not arrived by now.
func (w *wide) behind(is *identity, seq uint64) {
	w.mu.Lock()
	missing := w.is == is && w.seen < seq
	w.mu.Unlock()
	if missing {
		w.engine.counters.tails.Add(1)
		w.catchUp()
	}
}

// catchUp reads what the stream has beyond what certainly has come.
func (w *wide) catchUp() {
	w.mu.Lock()
	w.doubt = true
	if !w.ready || w.reading {
		w.mu.Unlock()
		return
	}
	w.reading, w.doubt = true, false
	is, from := w.is, w.sure+1
	w.aim = w.seen
	w.mu.Unlock()
	w.read(is, from, maxMissedPages)
}

// read reads a page, and then the next.
func (w *wide) read(is *identity, from uint64, pages int) {
	query := directQuery{Seq: from, NextFor: is.in + coverOf(w.prefix), Batch: batch, MaxBytes: batchBytes}
	w.engine.direct(w.stream, query, func(a answer, err error) {
		last := from - 1
		for _, m := range a.messages {
			if r, ok := recordOf(m); ok && err == nil {
				w.missed(is, strings.TrimPrefix(header(m, "Nats-Subject"), is.in), &r)
				last = r.seq
			}
		}
		more := err == nil && last >= from && moreOf(a) > 0
		if more && pages > 1 && w.goesOn(is, last) {
			w.read(is, last+1, pages-1)
			return
		}
		w.caughtUp(is, last, err, more)
	})
}

// goesOn notes how far it was read, and tells whether it is still wanted.
func (w *wide) goesOn(is *identity, last uint64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.is != is {
		return false
	}
	w.sure, w.seen = max(w.sure, last), max(w.seen, last)
	return true
}

// caughtUp ends reading. Where that has failed, it is done again when positions are compared.
func (w *wide) caughtUp(is *identity, last uint64, err error, more bool) {
	w.mu.Lock()
	w.reading = false
	if w.is == is {
		w.sure, w.seen = max(w.sure, last), max(w.seen, last)
		w.doubt = w.doubt || err != nil || !more && last < w.aim // the replica that answered is behind what has come from another
		if more && err == nil {
			w.sure = w.seen
		}
	}
	w.mu.Unlock()
	if more {
		w.engine.counters.gaps.Add(1)
		w.engine.config.Logger.Warn("engine: too much was missed for a wildcard", "wildcard", w.prefix+"*", "read", maxMissedPages*batch)
	}
}

// missed takes a message of the stream that may not have come. What is missing of its channel is read by the log.
func (w *wide) missed(is *identity, subject string, r *record) {
	w.mu.Lock()
	since := w.since
	w.mu.Unlock()
	floor := max(since, w.stream.floor.Load())
	l, name := w.logOf(is, subject)
	switch {
	case name == "":
	case l != nil && l.missed(is, r.seq, floor):
	case r.seq > floor:
		w.deliver(name, r, 0)
	}
}

// missed reads what is missing, if a message of the stream has not arrived. It is false where the log is closed, or of another epoch.
func (l *log) missed(is *identity, seq, floor uint64) bool {
	l.mu.Lock()
	if l.phase == closed || l.is != nil && l.is.epoch != is.epoch {
		l.mu.Unlock()
		return false
	}
	var waiting []func(error)
	if l.phase != live && seq > floor {
		waiting = l.startAt(is, floor, 0, l.engine.config.Now())
		l.blind = true
	}
	if l.phase == live && l.last < seq {
		l.read()
	}
	l.mu.Unlock()
	for _, do := range waiting {
		do(nil)
	}
	return true
}

// endOf asks the stream's leader how far it is.
func (e *Engine) endOf(s *stream, done func(uint64, error)) {
	e.stateOf(s, nil, func(state streamState, err error) { done(state.LastSeq, err) })
}
