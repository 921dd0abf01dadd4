package jetstream

import (
	"encoding/json"
	"errors"
	"strconv"
	"time"
)

// place is where a subject is.
type place struct {
	seq   uint64    // of its last message; 0 where it has none
	upTo  uint64    // of the stream, at the same instant
	asked time.Time // before that
}

// offset is the position: where there is no message, nothing up to there is missing.
func (p place) offset() uint64 {
	if p.seq == 0 {
		return p.upTo
	}
	return p.seq
}

// direct asks for messages of a stream; whichever of its replicas answers. done is told of doubts.
func (e *Engine) direct(s *stream, q directQuery, done func(answer, error)) {
	e.ask(s, q, true, done)
}

// directOne is direct for one message: no server counts for it how many there are.
func (e *Engine) directOne(s *stream, q directQuery, done func(answer, error)) {
	e.ask(s, q, false, done)
}

func (e *Engine) ask(s *stream, q directQuery, batch bool, done func(answer, error)) {
	text, err := json.Marshal(q)
	if err != nil {
		done(answer{}, err)
		return
	}
	e.requests.ask(&request{subject: "$JS.API.DIRECT.GET." + s.name, body: text, batch: batch, done: func(a answer, err error) {
		if errors.Is(err, ErrLeaderless) {
			s.check()
		}
		done(a, err)
	}})
}

// directQuery is a question for messages.
type directQuery struct {
	Seq       uint64   `json:"seq,omitempty"`
	NextFor   string   `json:"next_by_subj,omitempty"`
	MultiLast []string `json:"multi_last,omitempty"`
	Batch     int      `json:"batch,omitempty"`
	MaxBytes  int      `json:"max_bytes,omitempty"`
}

// locate finds where a subject is.
func (e *Engine) locate(s *stream, subject string, done func(place, error)) {
	asked := e.config.Now()
	e.direct(s, directQuery{MultiLast: []string{subject}, Batch: 1}, func(a answer, err error) {
		if err != nil {
			done(place{}, err)
			return
		}
		if len(a.messages) == 0 {
			e.locateEmpty(s, subject, asked, done)
			return
		}
		r, ok := recordOf(a.messages[0])
		if !ok {
			done(place{}, because(ErrRefused, "an answer without a sequence"))
			return
		}
		done(place{r.seq, max(r.seq, upToOf(a)), asked}, nil)
	})
}

// upToOf is which sequence of the stream an answer was good for.
func upToOf(a answer) uint64 {
	if a.end == nil {
		return 0
	}
	n, _ := strconv.ParseUint(header(a.end, headerUpTo), 10, 64)
	return n
}

// moreOf is how many messages there were behind an answer.
func moreOf(a answer) int64 {
	if a.end == nil {
		return 0
	}
	n, _ := strconv.ParseInt(header(a.end, headerPending), 10, 64)
	return n
}

// locateEmpty asks the stream's leader, where a replica has no message of a subject: that can be behind.
func (e *Engine) locateEmpty(s *stream, subject string, asked time.Time, done func(place, error)) {
	body, _ := json.Marshal(map[string]string{"subjects_filter": subject}) // a map of strings
	e.stateOf(s, body, func(state streamState, err error) {
		switch {
		case err != nil:
			done(place{}, err)
		case len(state.Subjects) > 0: // it has one by now
			e.afterOr(firstRetry, func() { e.locate(s, subject, done) }, func(err error) { done(place{}, err) })
		default:
			done(place{0, state.LastSeq, asked}, nil)
		}
	})
}

// page is a part of what a subject has. All of it was there at one instant.
type page struct {
	records []record
	more    int64 // behind it
}

// fetch reads what a subject has from a sequence on, at most that many messages. Where that are two or more, and there are, there is one behind from.
func (e *Engine) fetch(s *stream, subject string, from uint64, most int, done func(page, error)) {
	e.fetchBytes(s, subject, from, most, batchBytes, func(p page, err error) {
		if err == nil && most > 1 && p.more > 0 && len(p.records) == 1 && p.records[0].seq == from { // it fills an answer alone
			e.fetchBytes(s, subject, from, 2, allBytes, done)
			return
		}
		done(p, err)
	})
}

// fetchBytes is fetch for an answer that ends with the message that makes it that large, whatever that is.
func (e *Engine) fetchBytes(s *stream, subject string, from uint64, most, mostBytes int, done func(page, error)) {
	e.direct(s, directQuery{Seq: max(from, 1), NextFor: subject, Batch: most, MaxBytes: mostBytes}, func(a answer, err error) {
		var p page
		for _, m := range a.messages {
			r, ok := recordOf(m)
			if !ok {
				done(page{}, because(ErrRefused, "an answer without a sequence"))
				return
			}
			p.records = append(p.records, r)
		}
		p.more = moreOf(a)
		done(p, err)
	})
}
