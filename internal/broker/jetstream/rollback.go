package jetstream

import (
	"encoding/json"
	"time"
)

// A stream that one server keeps can lose its end with the machine's power: its sequence goes back, under the same epoch, and what is published next gets numbers that
// subscribers have had. A node that has lived on knows better. It takes its time to be sure, and then has the stream made anew (renew.go).

const (
	// doubtEvery is how often a stream's leader is asked.
	doubtEvery = 500 * time.Millisecond
	// doubtsAlone and doubtsOfMany are how often in a row it has to say that it has less than this node knows of. One server knows what it has; a new leader of
	// several may still be about to learn what they have agreed on: that takes 30 s in which it has learned nothing, or 2 minutes in all, since publications go on, too.
	doubtsAlone  = 3
	doubtsOfMany = 60
	doubtsAtMost = 240
	// clockStep is how much later than what is behind it a message must have been stored to prove something by itself: a server's clock may be set back, and those of two
	// that have led differ. A server that has lost power is back later than that.
	clockStep = 2 * time.Second
)

// evidence is what a log has seen that can't be in an epoch.
type evidence struct {
	epoch string
	seq   uint64 // of a message that it had before
	at    int64  // when that was stored; Unix time in nanoseconds
	proof bool   // there is another message in its place
	late  bool   // one with a lower number was stored later than that, by more than clocks explain
}

// doubtDuplicate looks at what seems to have been delivered: what was stored later than the last message, and has a lower number, can't have been. The caller
// holds mu.
func (l *log) doubtDuplicate(r *record) {
	if later := r.at.UnixNano() - l.messageAt; l.messageAt != 0 && r.seq <= l.message && later > 0 {
		l.stream.suspect(&evidence{epoch: l.is.epoch, seq: l.message, at: l.messageAt, late: later > int64(clockStep)})
	}
}

// doubtAnchor looks at the last message, as the stream has it. The caller holds mu.
func (l *log) doubtAnchor(r *record) {
	if at := r.at.UnixNano(); l.messageAt != 0 && at != l.messageAt {
		l.stream.suspect(&evidence{epoch: l.is.epoch, seq: l.message, at: l.messageAt, proof: true})
	}
}

// strange tells whether a republished message does not know the last one, and names one before it: that was deleted, or never was. The caller holds mu.
func (l *log) strange(r *record) bool {
	return r.prev != 0 && l.message == l.last && r.prev < l.message
}

// vanished tells whether the last message, which was not there, would have to be, where fewer are there than are kept. The caller holds mu.
func (l *log) vanished() bool {
	maxAge := l.stream.presently(l.is).maxAge
	return l.messageAt != 0 && l.message == l.last &&
		(maxAge == 0 || l.engine.config.Now().Sub(time.Unix(0, l.messageAt)) < maxAge-clockSkew)
}

// suspect has it looked into whether the stream's sequence went back; nil: nothing was seen, but its server may have lost power. It waits for nothing.
func (s *stream) suspect(e *evidence) {
	s.mu.Lock()
	if e != nil && (s.evidence == nil || e.proof || e.late && !s.evidence.proof || s.evidence.epoch != e.epoch) {
		s.evidence = e
	}
	begins := s.is != nil && !s.doubting
	s.doubting = s.doubting || begins
	is := s.is
	s.mu.Unlock()
	if begins && !s.engine.start(func() { s.investigate(is) }) {
		s.believe(nil)
	}
}

// believe ends that, and forgets what turned out to be nothing.
func (s *stream) believe(nothing *evidence) {
	s.mu.Lock()
	s.doubting = false
	if s.evidence == nothing {
		s.evidence = nil
	}
	s.mu.Unlock()
}

// seen is what has been seen of an epoch; nil where that is nothing.
func (s *stream) seen(is *identity) *evidence {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.evidence == nil || s.evidence.epoch != is.epoch {
		return nil
	}
	return s.evidence
}

// insist looks again into what was seen, and is not settled.
func (s *stream) insist(is *identity) {
	if s.seen(is) != nil {
		s.suspect(nil)
	}
}

// known is what this node knows of a stream.
type known struct {
	upTo uint64 // there were that many
	seq  uint64 // the highest message whose time is known; 0: none
	at   int64  // of that; Unix time in nanoseconds
}

// knows is what the open logs know of an epoch.
func (s *stream) knows(is *identity) (k known) {
	s.mu.Lock()
	open := append([]*log(nil), s.open...)
	s.mu.Unlock()
	for _, l := range open {
		l.mu.Lock()
		if l.phase == live && l.is.epoch == is.epoch && !l.reading {
			k.upTo = max(k.upTo, l.last, l.verified)
			if l.messageAt != 0 && l.message > k.seq {
				k.seq, k.at = l.message, l.messageAt
			}
		}
		l.mu.Unlock()
	}
	return k
}

// investigate is a goroutine. It ends when the stream is found to be right, or cannot be asked, or has been made anew; not more often than every doubtEvery.
func (s *stream) investigate(is *identity) {
	var settled *evidence
	defer func() { s.believe(settled) }()
	var d doubts
	for {
		k, e := s.knows(is), s.seen(is)
		if e != nil {
			k.upTo = max(k.upTo, e.seq)
		}
		now, err := s.leader()
		if err != nil { // compare finds it again
			return
		}
		if now.epoch != is.epoch {
			settled = e
			s.check()
			return
		}
		if d.hear(now, k.upTo) || s.contradicts(k, e, now) {
			s.renew(is, k.upTo)
			return
		}
		again := time.NewTimer(doubtEvery)
		select {
		case <-again.C:
		case <-s.engine.done:
			again.Stop()
			return
		}
		if now.last >= k.upTo {
			settled = e
			return
		}
	}
}

// doubts are how often in a row a leader has said that it has less than is known.
type doubts struct {
	was         leaderState
	all, inVain int // inVain: since it has learned something, or since another one has led
}

// hear takes what the leader says; it tells whether that has been said often enough.
func (d *doubts) hear(now leaderState, upTo uint64) bool {
	if now.last >= upTo {
		*d = doubts{}
		return false
	}
	if now != d.was {
		d.was, d.inVain = now, 0
	}
	d.all, d.inVain = d.all+1, d.inVain+1
	return now.replicas == 1 && d.all >= doubtsAlone || d.inVain >= doubtsOfMany || d.all >= doubtsAtMost
}

// contradicts tells whether a stream has another message where this node knows one, by its leader's word. Where that has gone nobody can tell, unless one server alone
// has shown another one, or what can't be.
func (s *stream) contradicts(k known, e *evidence, now leaderState) bool {
	if e != nil {
		at, err := s.timeOf(e.seq)
		switch {
		case err != nil:
		case at != 0 && at != e.at:
			return true
		case at == 0 && now.replicas == 1 && (e.proof || e.late && now.last >= k.upTo):
			return true
		}
	}
	if k.seq == 0 {
		return false
	}
	at, err := s.timeOf(k.seq)
	return err == nil && at != 0 && at != k.at
}

// leaderState is what a stream's leader says of it.
type leaderState struct {
	epoch    string
	last     uint64
	replicas int
}

// leader asks the stream's leader, and waits.
func (s *stream) leader() (leaderState, error) {
	var info struct {
		Error  *apiError
		Config struct {
			Metadata map[string]string
			Replicas int `json:"num_replicas"`
		}
		State   streamState   `json:"state"`
		Cluster streamCluster `json:"cluster"`
	}
	err := s.askLeader("$JS.API.STREAM.INFO."+s.name, nil, &info)
	if err == nil && info.Error != nil {
		err = because(ErrRefused, "%s", info.Error.Description)
	}
	if err == nil && !info.Cluster.followed() { // it may be behind the one that they follow
		err = ErrLeaderless
	}
	return leaderState{info.Config.Metadata[metaEpoch], info.State.LastSeq, info.Config.Replicas}, err
}

// timeOf is when the message with that sequence was stored; 0 where there is none.
func (s *stream) timeOf(seq uint64) (int64, error) {
	m, err := s.message(map[string]uint64{"seq": seq})
	if err != nil || m.Seq == 0 {
		return 0, err
	}
	return m.Time.UnixNano(), nil
}

// storedMessage is one that the leader has; Seq is 0 where it has none.
type storedMessage struct {
	Seq  uint64
	Time time.Time
}

// message asks the leader for one, and waits.
func (s *stream) message(query any) (storedMessage, error) {
	var answer struct {
		Error   *apiError
		Message storedMessage
	}
	err := s.askLeader("$JS.API.STREAM.MSG.GET."+s.name, query, &answer)
	if refusal := answer.Error; err == nil && refusal != nil && refusal.Code != codeNoMessage {
		err = because(ErrRefused, "%s", refusal.Description)
	}
	return answer.Message, err
}

// askLeader asks what has one answer, and waits for it.
func (s *stream) askLeader(subject string, query, into any) error {
	var body []byte
	if query != nil {
		body, _ = json.Marshal(query) // maps
	}
	return s.engine.await(&request{subject: subject, body: body}, into)
}

// await asks what has one answer in JSON, and waits for it: for goroutines of their own.
func (e *Engine) await(q *request, into any) error {
	type outcome struct {
		a   answer
		err error
	}
	done := make(chan outcome, 1)
	q.done = func(a answer, err error) { done <- outcome{a, err} }
	e.requests.ask(q)
	var got outcome
	select {
	case got = <-done:
	case <-e.done: // who ends the engine waits for this goroutine
		return ErrClosed
	}
	switch {
	case got.err != nil:
		return got.err
	case len(got.a.messages) != 1:
		return because(ErrRefused, "no answer")
	}
	return json.Unmarshal(got.a.messages[0].Data, into)
}
