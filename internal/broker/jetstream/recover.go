package jetstream

import (
	"time"

	"github.com/wsedge/wsedge/internal/broker"
)

// Recover implements broker.Log.
func (l *log) Recover(q broker.RecoverQuery, done func(broker.Past, error)) {
	l.whenLive(func(err error) {
		if err != nil {
			done(broker.Past{}, err)
			return
		}
		l.cursorOf(q.User, func(cursor *broker.Position, err error) {
			if err != nil {
				done(broker.Past{}, err)
				return
			}
			l.recover(q, cursor, done)
		})
	})
}

// recovery is one under way: from where it has been to where the log was when it was asked for.
type recovery struct {
	log       *log
	is        *identity
	query     broker.RecoverQuery
	cursor    *broker.Position // the user's; nil: none
	retention broker.Retention
	answer    broker.Past
	message   uint64 // the last that was delivered
	asked     asked
	done      func(broker.Past, error)
	tries     int  // of later
	tail      tail // where the last message is missing
}

// recover answers from what the log knows, or has the stream read. cursor is the user's; nil where there is none.
func (l *log) recover(q broker.RecoverQuery, cursor *broker.Position, done func(broker.Past, error)) {
	(&recovery{log: l, query: q, cursor: cursor, done: done}).begin()
}

// begin begins it, or begins it anew.
func (r *recovery) begin() {
	l, cursor := r.log, r.cursor
	l.mu.Lock()
	position, ok := l.position()
	if !ok {
		l.mu.Unlock()
		r.done(broker.Past{}, ErrClosed)
		return
	}
	r.is, r.retention, r.answer, r.message = l.is, l.retention, broker.Past{Position: position}, l.message
	if cursor != nil && cursor.Epoch == position.Epoch { // otherwise it is void
		r.answer.Cursor, r.query.Since = &cursor.Offset, broker.Earlier(r.query.Since, *cursor)
	}
	verified := l.verified
	l.mu.Unlock()
	switch since := r.query.Since; {
	case since == nil || since.Epoch != position.Epoch:
		r.inexact()
	case since.Offset == position.Offset:
		r.exact(nil)
	case since.Offset > position.Offset:
		r.ahead(verified)
	case r.retention.Size == 0:
		r.inexact()
	default:
		r.share()
	}
}

// exact answers that nothing else is missing.
func (r *recovery) exact(records []broker.Record) {
	r.answer.Exact, r.answer.Publications = true, records
	r.done(r.answer, nil)
}

// inexact answers that something is, perhaps with the latest.
func (r *recovery) inexact() {
	if !r.query.Latest || r.retention.Size == 0 || r.message == 0 {
		r.done(r.answer, nil)
		return
	}
	r.log.engine.fetch(r.log.stream, r.log.subject(r.is), r.message, 1, func(p page, err error) {
		if err == nil && len(p.records) > 0 && p.records[0].seq == r.message && !r.tooOld(&p.records[0]) {
			r.answer.Publications = []broker.Record{{Publication: p.records[0].Publication, Offset: r.message, Prev: r.message - 1}}
		}
		r.done(r.answer, err)
	})
}

// tooOld tells whether a record is kept longer than was promised.
func (r *recovery) tooOld(rec *record) bool { return tooOld(r.log, r.retention.Age, rec) }

func tooOld(l *log, age time.Duration, rec *record) bool {
	return age > 0 && !rec.at.After(l.engine.config.Now().Add(-age))
}

// ahead answers who has been at a position of another node, where the stream had nothing of the channel. That the stream has come that far, and that there is
// nothing between, has to be seen.
func (r *recovery) ahead(verified uint64) {
	here := func() {
		r.answer.Position.Offset = r.query.Since.Offset
		r.exact(nil)
	}
	if r.query.Since.Offset <= verified {
		here()
		return
	}
	r.log.engine.locate(r.log.stream, r.log.subject(r.is), func(at place, err error) {
		switch {
		case err != nil:
			r.done(broker.Past{}, err)
		case at.seq == r.message && at.upTo >= r.query.Since.Offset:
			here()
		case at.seq > r.message && at.upTo >= r.query.Since.Offset: // it is on its way here
			r.log.behind(at.seq) // or was lost on it
			r.later()
		case at.upTo < r.query.Since.Offset:
			r.outrun()
		default:
			r.inexact()
		}
	})
}

// later recovers again when this node may have what another node has had.
func (r *recovery) later() {
	if r.tries++; r.tries > maxTries {
		r.done(broker.Past{}, errBehind)
		return
	}
	r.log.engine.afterOr(firstRetry<<(r.tries-1), r.begin, func(err error) { r.done(broker.Past{}, err) })
}

// asked is what makes recoveries of a log the same: after an outage thousands of clients come back to where they all have been.
type asked struct {
	from, to, maxBytes uint64
	limit              int
}

// share reads what is missing, unless somebody who misses the same is reading it.
func (r *recovery) share() {
	l := r.log
	r.asked = asked{r.query.Since.Offset, r.answer.Position.Offset, uint64(r.query.MaxBytes), r.query.Limit}
	l.mu.Lock()
	if l.recovering == nil {
		l.recovering = make(map[asked][]*recovery)
	}
	all := append(l.recovering[r.asked], r)
	l.recovering[r.asked] = all
	l.mu.Unlock()
	if len(all) == 1 {
		r.tail = tail{log: l, is: r.is, message: r.message}
		r.read()
	}
}

// end answers all who share the recovery.
func (r *recovery) end(exact bool, records []broker.Record, err error) {
	l := r.log
	l.mu.Lock()
	all := l.recovering[r.asked]
	if delete(l.recovering, r.asked); len(l.recovering) == 0 {
		l.recovering = nil
	}
	l.mu.Unlock()
	for _, one := range all {
		switch {
		case err != nil:
			one.done(broker.Past{}, err)
		case exact:
			one.exact(records)
		default:
			one.inexact()
		}
	}
}

// read reads what is missing.
func (r *recovery) read() {
	q := &r.query
	most := r.retention.Size
	if q.Limit > 0 {
		most = min(most, q.Limit)
	}
	s := &span{log: r.log, is: r.is, from: q.Since.Offset, to: r.answer.Position.Offset, most: most, mostBytes: q.MaxBytes}
	s.done = func(err error) {
		switch {
		case err != nil:
			r.end(false, nil, err)
		case s.full:
			r.end(false, nil, nil)
		case s.broken, s.lacks(r.message): // who answered is behind, or it has gone
			r.tail.over(r.read, func() { r.end(false, nil, nil) }, func(err error) { r.end(false, nil, err) })
		case len(s.records) > 0 && r.tooOld(&s.records[0]):
			r.end(false, nil, nil)
		case s.anchored:
			r.end(true, chain(s.records, q.Since.Offset), nil)
		default:
			s.prove(func(proven bool) { r.end(proven, chain(s.records, q.Since.Offset), nil) })
		}
	}
	s.read()
}

// chain makes records of the engine's, that behind prev first.
func chain(records []record, prev uint64) []broker.Record {
	if len(records) == 0 {
		return nil
	}
	list := make([]broker.Record, len(records))
	for i := range records {
		list[i] = broker.Record{Publication: records[i].Publication, Offset: records[i].seq, Prev: prev}
		prev = records[i].seq
	}
	return list
}
