package jetstream

import (
	"github.com/wsedge/wsedge/internal/broker"
)

// History implements broker.Log.
func (l *log) History(q broker.HistoryQuery, done func(broker.Past, error)) {
	l.whenLive(func(err error) {
		if err != nil {
			done(broker.Past{}, err)
			return
		}
		l.mu.Lock()
		position, ok := l.position()
		r := &reading{log: l, is: l.is, query: q, retention: l.retention, answer: broker.Past{Position: position}, message: l.message, done: done}
		r.tail = tail{log: l, is: r.is, message: r.message}
		l.mu.Unlock()
		if !ok {
			done(broker.Past{}, ErrClosed)
			return
		}
		r.begin()
	})
}

// reading is a part of the history that is being read.
type reading struct {
	log       *log
	is        *identity
	query     broker.HistoryQuery
	retention broker.Retention
	answer    broker.Past
	message   uint64
	tail      tail // where it is missing
	done      func(broker.Past, error)
}

func (r *reading) begin() {
	since := r.query.Since
	good := since != nil && since.Epoch == r.answer.Position.Epoch && since.Offset <= r.answer.Position.Offset
	switch {
	case good && since.Offset == r.answer.Position.Offset:
		r.answer.Exact = true
		r.done(r.answer, nil)
	case r.retention.Size == 0 || r.message == 0 && !good:
		r.done(r.answer, nil)
	case good:
		r.forward()
	case since == nil:
		r.newest(min(r.query.Limit, r.retention.Size))
	default:
		r.newest(r.retention.Size)
	}
}

// forward reads the oldest behind a position.
func (r *reading) forward() {
	q := &r.query
	s := &span{
		log: r.log, is: r.is, from: q.Since.Offset, to: r.answer.Position.Offset, most: min(q.Limit, r.retention.Size), mostBytes: q.MaxBytes, atLeast: 1,
	}
	s.done = func(err error) {
		inexact := func() { r.newest(r.retention.Size) }
		exact := func() {
			r.answer.Exact, r.answer.Publications = true, chain(s.records, q.Since.Offset)
			r.done(r.answer, nil)
		}
		switch {
		case err != nil:
			r.fail(err)
		case s.broken, s.lacks(r.message):
			r.tail.over(r.forward, inexact, r.fail)
		case s.total > int64(r.retention.Size) || len(s.records) > 0 && r.tooOld(&s.records[0]):
			inexact()
		case s.anchored:
			exact()
		default:
			s.prove(func(proven bool) {
				if proven {
					exact()
				} else {
					inexact()
				}
			})
		}
	}
	s.read()
}

func (r *reading) fail(err error) { r.done(broker.Past{}, err) }

func (r *reading) tooOld(rec *record) bool { return tooOld(r.log, r.retention.Age, rec) }

// newest reads the last n.
func (r *reading) newest(n int) {
	if n <= 0 || r.query.Limit <= 0 {
		r.done(r.answer, nil)
		return
	}
	r.log.beginning(r.is, r.answer.Position.Offset, n+1, 0, func(from uint64, err error) {
		if err != nil {
			r.done(broker.Past{}, err)
			return
		}
		s := r.newestSpan(n, from)
		s.done = func(err error) {
			if err == nil && (s.broken || s.lacks(r.message)) { // it has gone while it was read: what there is now is newer; or who answered is behind
				r.tail.over(func() { r.newest(n) }, func() { r.found(s, nil) }, r.fail)
				return
			}
			r.found(s, err)
		}
		s.read()
	})
}

// newestSpan reads as much of the last n as fits: of the last ones where no position was asked for, otherwise of the first. from is before them.
func (r *reading) newestSpan(n int, from uint64) *span {
	return &span{
		log: r.log, is: r.is, from: from, to: r.answer.Position.Offset, most: min(n, r.query.Limit), mostBytes: r.query.MaxBytes, atLeast: 1,
		among: n, age: r.retention.Age, newest: r.query.Since == nil,
	}
}

// found answers with that.
func (r *reading) found(s *span, err error) {
	before := s.passed
	if len(s.records) > 0 && before == 0 { // nobody knows what was before it: something may have been
		before = s.records[0].seq - 1
	}
	r.answer.Publications = chain(s.records, before)
	r.done(r.answer, err)
}

// beginning finds a sequence from which on a channel has n publications, or all that it has, and not many more: there is no way to ask for the last n. It looks
// further and further back.
func (l *log) beginning(is *identity, last uint64, n, step int, done func(from uint64, err error)) {
	from := uint64(0)
	if shift := 2 * max(step-1, 0); step > 0 && shift < 62 && last>>shift > uint64(n) {
		from = last - uint64(n)<<shift
	}
	l.engine.fetch(l.stream, l.subject(is), from, 1, func(p page, err error) {
		count := int64(len(p.records)) + p.more
		switch {
		case err != nil:
			done(0, err)
		case step == 0 && count > int64(n): // more than that in all
			l.beginning(is, last, n, 1, done)
		case from == 0 || count >= int64(n):
			done(max(from, 1)-1, nil)
		default:
			l.beginning(is, last, n, step+1, done)
		}
	})
}
