package jetstream

import (
	"encoding/json"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
)

// leaderGood is how long the leader's word on how far a stream has come is believed: one that has lost its tail goes back.
const leaderGood = time.Second

// leaderLease is how recently more than half of a stream's servers must have answered a leader that is to be believed: no server begins an election within 4 s of having
// heard from its leader. One that was stopped, or is cut off, takes itself for the leader for a while yet, and knows nothing of what the next one has stored.
const leaderLease = 4 * time.Second

// errBehind says that this node has not got yet what another one has given out. Whoever asks it later, or another node, gets it.
var errBehind error = &broker.Unavailable{Reason: "the node is behind"}

// streamState is what the leader says of a stream.
type streamState struct {
	LastSeq  uint64           `json:"last_seq"`
	Subjects map[string]int64 `json:"subjects"`
}

// streamCluster is the other servers of a stream, if there are any, and how long ago they have answered the leader.
type streamCluster struct {
	Replicas []struct {
		Active time.Duration `json:"active"`
	} `json:"replicas"`
}

// followed tells whether more than half of the servers follow the leader that says so.
func (c *streamCluster) followed() bool {
	follow := 1
	for _, r := range c.Replicas {
		if r.Active < leaderLease {
			follow++
		}
	}
	return 2*follow > len(c.Replicas)+1
}

// stateOf asks the stream's leader. body may name a filter for subjects.
func (e *Engine) stateOf(s *stream, body []byte, done func(streamState, error)) {
	e.requests.ask(&request{subject: "$JS.API.STREAM.INFO." + s.name, body: body, done: func(a answer, err error) {
		var info struct {
			Error *struct {
				Description string `json:"description"`
			} `json:"error"`
			State   streamState   `json:"state"`
			Cluster streamCluster `json:"cluster"`
		}
		switch {
		case err != nil:
		case len(a.messages) != 1:
			err = because(ErrRefused, "no answer")
		default:
			err = json.Unmarshal(a.messages[0].Data, &info)
		}
		if err == nil && info.Error != nil {
			s.check()
			err = because(ErrRefused, "%s", info.Error.Description)
		}
		if err == nil && !info.Cluster.followed() {
			err = because(ErrLeaderless, "%d servers, of which too few answer the leader", len(info.Cluster.Replicas)+1)
		}
		done(info.State, err)
	}})
}

// reach is how far a stream is, by its leader's word. Guarded by the stream's mu.
type reach struct {
	upTo    uint64
	at      time.Time             // when it was heard
	asking  []func(uint64, error) // who is to be told; one question for all
	waiting []func(uint64, error) // who came when that was on its way: it may be too old for them
}

// reaches finds out whether the stream has come to a sequence, or how far it has. After an outage thousands of clients come back: the leader is asked one question
// at a time for all of them.
func (s *stream) reaches(seq uint64, done func(upTo uint64, err error)) {
	s.mu.Lock()
	if upTo := s.reach.upTo; upTo >= seq && s.engine.config.Now().Sub(s.reach.at) < leaderGood {
		s.mu.Unlock()
		done(upTo, nil)
		return
	}
	s.reach.waiting = append(s.reach.waiting, done)
	s.askReach()
}

// askReach asks for those who wait, unless it has asked. The caller holds mu, and loses it.
func (s *stream) askReach() {
	ask := len(s.reach.asking) == 0 && len(s.reach.waiting) > 0
	if ask {
		s.reach.asking, s.reach.waiting = s.reach.waiting, nil
	}
	s.mu.Unlock()
	if ask {
		s.engine.stateOf(s, nil, s.leaderSaid)
	}
}

func (s *stream) leaderSaid(state streamState, err error) {
	s.mu.Lock()
	asking := s.reach.asking
	s.reach.asking = nil
	if err == nil {
		s.reach.upTo, s.reach.at = state.LastSeq, s.engine.config.Now()
	}
	s.askReach()
	for _, done := range asking {
		done(state.LastSeq, err)
	}
}

// outrun answers who has been where neither this node nor the replica that answers it has been: a node that was stopped or cut off does not know what was
// published meanwhile, nor does the member of the cluster inside it. If the leader has not been there either, the position is none; otherwise the client must not be
// told that it has missed something, and be given again what it has. It is asked more than once: it may have been one that is none any more.
func (r *recovery) outrun() {
	r.log.stream.reaches(r.query.Since.Offset, func(upTo uint64, err error) {
		switch {
		case err != nil:
			r.done(broker.Past{}, err)
		case upTo < r.query.Since.Offset && r.tries == maxTries:
			r.inexact()
		default:
			r.later()
		}
	})
}
