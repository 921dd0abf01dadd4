package jetstream

import (
	"maps"
	"slices"
	"time"
)

const (
	// compareBatch is how many subjects one question has: the server takes 1,024.
	compareBatch = 500
	// compareMost is how many logs are compared at a time, so that a node with a million channels does not keep the servers busy with that; the others
	// come next time. After a reconnect it is all of them.
	compareMost = 50_000
	// settling is what a message that the stream has may take to arrive.
	settling = 100 * time.Millisecond
)

// keepUp compares the positions of live logs with the streams, time and again.
func (e *Engine) keepUp() {
	interval := e.config.SyncInterval
	for {
		timer := time.NewTimer(interval/4*3 + jitter(interval/2))
		select {
		case <-timer.C:
			for _, s := range e.allStreams() {
				s.compare(compareMost)
			}
		case <-e.done:
			timer.Stop()
			return
		}
	}
}

// compareAll compares all of them.
func (e *Engine) compareAll() {
	for _, s := range e.allStreams() {
		s.compare(1 << 62)
	}
}

// compare compares up to most live logs, going on where it has ended the last time.
func (s *stream) compare(most int) {
	s.mu.Lock()
	is, n := s.is, min(most, len(s.open))
	logs := make([]*log, n)
	for i := range logs {
		if s.compared >= len(s.open) {
			s.compared = 0
		}
		logs[i] = s.open[s.compared]
		s.compared++
	}
	s.mu.Unlock()
	if is == nil || n == 0 {
		return
	}
	s.check() // it may have been lost, and made anew by another node
	s.insist(is)
	for len(logs) > 0 {
		part := logs[:min(len(logs), compareBatch)]
		logs = logs[len(part):]
		s.compareThese(is, part)
	}
}

// compareThese compares logs with one question.
func (s *stream) compareThese(is *identity, logs []*log) {
	bySubject := make(map[string]*log, len(logs))
	for _, l := range logs {
		bySubject[l.subject(is)] = l
		l.lost(is) // if it still is in another epoch
	}
	s.compareSubjects(bySubject)
}

// compareSubjects asks for the last messages of subjects. An answer has no more than batchBytes, and that of the message behind them: those that it lacks are
// asked for again. It owns logs.
func (s *stream) compareSubjects(logs map[string]*log) {
	asked := s.engine.config.Now()
	query := directQuery{MultiLast: slices.Collect(maps.Keys(logs)), Batch: len(logs), MaxBytes: batchBytes}
	s.engine.direct(s, query, func(a answer, err error) {
		if err != nil || a.end == nil && len(a.messages) > 0 { // or it broke off: one has gone while they were read
			return
		}
		upTo := upToOf(a) // 0 where none of them has any message: then nothing is known but that
		before := len(logs)
		for _, m := range a.messages {
			r, ok := recordOf(m)
			subject := header(m, "Nats-Subject")
			if l := logs[subject]; ok && l != nil {
				delete(logs, subject)
				l.compared(place{r.seq, upTo, asked})
			}
		}
		if moreOf(a) > 0 {
			if len(logs) < before {
				s.compareSubjects(logs)
			}
			return
		}
		for _, l := range logs {
			l.compared(place{0, upTo, asked})
		}
	})
}

// compared takes where a log's subject is.
func (l *log) compared(at place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.phase != live || l.reading || l.stalled != nil {
		return
	}
	if at.seq > l.last {
		seq := at.seq
		l.engine.after(settling, func() { l.behind(seq) })
		return
	}
	if at.upTo != 0 && at.upTo < max(l.last, l.verified) {
		l.stream.suspect(nil)
	}
	if at.seq != 0 && at.seq < l.message { // a replica that is behind
		return
	}
	if at.seq == 0 && !l.fresh() { // what has been published since, if anything, is too old by now
		if at.upTo <= l.last || !l.gap(at.upTo+1) {
			return
		}
	}
	l.verified, l.verifiedAt = max(l.verified, at.upTo), at.asked
}

// behind reads what is missing, if that message has not arrived by now.
func (l *log) behind(seq uint64) {
	l.mu.Lock()
	if l.phase == live && l.last < seq && !l.reading && l.stalled == nil {
		l.engine.counters.tails.Add(1)
		l.read()
	}
	l.mu.Unlock()
}
