package jetstream

import (
	"encoding/json"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/wsedge/wsedge/internal/broker"
)

// nextOfLeader asks a stream's leader for the first message of a subject from a sequence on; nil where there is none. It costs the leader more than a direct get
// costs a replica, and the data come in base64: it is for what a replica does not have.
func (e *Engine) nextOfLeader(s *stream, subject string, from uint64, done func(*record, error)) {
	body, err := json.Marshal(directQuery{Seq: from, NextFor: subject})
	if err != nil {
		done(nil, err)
		return
	}
	e.requests.ask(&request{subject: "$JS.API.STREAM.MSG.GET." + s.name, body: body, done: func(a answer, err error) {
		if err != nil || len(a.messages) != 1 {
			done(nil, because(ErrRefused, "no answer of the leader: %w", err))
			return
		}
		done(leaderRecord(a.messages[0].Data))
	}})
}

// codeNoMessage is what a leader says where it has no such message.
const codeNoMessage = 10037

// leaderRecord reads such an answer.
func leaderRecord(text []byte) (*record, error) {
	var said struct {
		Error *struct {
			Code        int    `json:"err_code"`
			Description string `json:"description"`
		} `json:"error"`
		Message struct {
			Seq     uint64    `json:"seq"`
			Headers []byte    `json:"hdrs"`
			Data    []byte    `json:"data"`
			Time    time.Time `json:"time"`
		} `json:"message"`
	}
	err := json.Unmarshal(text, &said)
	switch {
	case err != nil:
		return nil, err
	case said.Error != nil && said.Error.Code == codeNoMessage:
		return nil, nil
	case said.Error != nil:
		return nil, because(ErrRefused, "%s", said.Error.Description)
	}
	m := &nats.Msg{Data: said.Message.Data}
	if len(said.Message.Headers) > 0 {
		if m.Header, err = nats.DecodeHeadersMsg(said.Message.Headers); err != nil {
			return nil, err
		}
	}
	r := &record{Publication: &broker.Publication{Data: m.Data}, seq: said.Message.Seq, at: said.Message.Time}
	r.readHeaders(m)
	return r, nil
}

// askLeader is the last resort where a message is missing in front of one that is held, and no replica that was asked has it: they may all be behind. The
// caller holds mu.
func (l *log) askLeader() {
	l.reading = true
	is, last, anchored, before := l.is, l.last, l.message == l.last, l.held[0].seq
	subject := l.subject(is)
	ask := func() {
		l.engine.nextOfLeader(l.stream, subject, last+1, func(r *record, err error) {
			if err != nil || r == nil || r.seq >= before || !anchored {
				l.leaderSaid(is, before, r, false, err)
				return
			}
			l.engine.nextOfLeader(l.stream, subject, last, func(anchor *record, err error) {
				l.leaderSaid(is, before, r, anchor != nil && anchor.seq == last, err)
			})
		})
	}
	l.engine.after(0, func() {
		l.stream.reaches(before, func(upTo uint64, err error) {
			if err == nil && upTo < before { // it is the leader no more, or has lost its end
				err = errBehind
			}
			if err != nil {
				l.leaderSaid(is, before, nil, false, err)
				return
			}
			ask()
		})
	})
}

// leaderSaid takes the leader's answer: what comes next, and whether the last that was delivered was still there behind that, so that nothing between them has gone. Where the
// leader has nothing in front of what is held, that is a gap. Where it does not answer nobody knows: then all is left to the next comparison, as when nothing can be read.
func (l *log) leaderSaid(is *identity, before uint64, r *record, anchored bool, err error) {
	l.mu.Lock()
	if l.phase != live || l.is != is {
		l.mu.Unlock()
		return
	}
	l.reading = false
	if err != nil {
		l.held, l.heldBytes, l.again, l.tries = nil, 0, false, 0
		l.mu.Unlock()
		return
	}
	var after afterwards
	if r != nil && r.seq < before {
		if anchored || l.gap(r.seq) {
			l.engine.counters.fetched.Add(1)
			after = append(l.deliver(r, after), l.takeHeldAfter(maxTries)...) // what else is missing is asked of the leader at once
		}
	} else if l.gap(before) {
		after = l.takeHeldAfter(0)
	}
	l.mu.Unlock()
	after.run()
}

// takeHeldAfter is takeHeld where so many tries have failed. The caller holds mu.
func (l *log) takeHeldAfter(tries uint8) afterwards {
	l.tries = tries
	return l.takeHeld()
}
