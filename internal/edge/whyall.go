package edge

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/wsedge/wsedge/internal/api"
)

const topicWhy = "why"

// whyAnswer is what a node has recorded.
type whyAnswer struct {
	Recording bool              `json:"recording"`
	Reports   []json.RawMessage `json:"reports"`
}

// size is how many bytes the reports have.
func (a *whyAnswer) size() (bytes int) {
	for _, report := range a.Reports {
		bytes += len(report)
	}
	return bytes
}

// whyHere is why, of this node.
func (s *Server) whyHere(t api.Target) (a whyAnswer) {
	reports, recording := s.why(t.Client, t.User)
	if a.Recording = recording; recording && json.Unmarshal(reports, &a.Reports) != nil {
		a.Reports = nil
	}
	return a
}

// answerWhy answers other nodes, behind the back of the bus because all channels are looked at.
func (s *Server) answerWhy() {
	s.cluster.Answer(topicWhy, func(_ string, body []byte, reply func(any)) {
		var t api.Target
		if json.Unmarshal(body, &t) != nil || !t.Valid() || t.Token != "" {
			return
		}
		s.peers.answer(func() {
			a := s.whyHere(t)
			for len(a.Reports) > 0 && a.size() > inspectMostBytes {
				a.Reports = a.Reports[:len(a.Reports)/2] // the last ones come first
			}
			reply(a)
		})
	})
}

// Why tells, as a JSON array, what is recorded of a client, by its id, or of the last connections of a user that have ended, on all nodes; exactly one of the two is
// given. recording is false where nothing is recorded, missing how many nodes did not answer. Safe from any goroutine, but it waits.
func (s *Server) Why(client, user string) (reports []byte, recording bool, missing int) {
	if s.cluster == nil {
		reports, recording = s.why(client, user)
		return reports, recording, 0
	}
	t := api.Target{Client: client, User: user}
	var all whyAnswer
	if client == "" || nodeOf(client) == s.node {
		all = s.whyHere(t)
	}
	answers := s.askAbout(t, topicWhy, t, inspectAnswerTimeout)
	missing = len(answers.Missing)
	for _, body := range answers.By {
		var a whyAnswer
		if json.Unmarshal(body, &a) != nil {
			missing++
			continue
		}
		all.Recording = all.Recording || a.Recording
		all.Reports = append(all.Reports, a.Reports...)
	}
	if len(answers.By) == 0 && client != "" && !all.Recording { // of a node that is gone, or of none
		all.Recording = s.flights.Load() != nil
	}
	all.Reports = lastEnded(all.Reports)
	if len(all.Reports) == 0 {
		return []byte("[]"), all.Recording, missing
	}
	reports, _ = json.Marshal(all.Reports) // it was JSON
	return reports, all.Recording, missing
}

// lastEnded are the reports of whatever has ended last, that first.
func lastEnded(reports []json.RawMessage) []json.RawMessage {
	type ended struct {
		text json.RawMessage
		at   time.Time
	}
	var list []ended
	for _, text := range reports {
		var r struct {
			Closed time.Time `json:"closed"`
		}
		if json.Unmarshal(text, &r) == nil { // or it is no report
			list = append(list, ended{text, r.Closed})
		}
	}
	slices.SortStableFunc(list, func(a, b ended) int { return b.at.Compare(a.at) })
	reports = reports[:0]
	for _, e := range list[:min(len(list), maxWhy)] {
		reports = append(reports, e.text)
	}
	return reports
}
