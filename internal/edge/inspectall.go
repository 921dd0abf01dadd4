package edge

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/wsedge/wsedge/internal/api"
	"github.com/wsedge/wsedge/internal/cluster"
)

const (
	topicInspect = "inspect"
	// inspectAnswerTimeout lets other nodes wait for their loops.
	inspectAnswerTimeout = inspectTimeout + 500*time.Millisecond
	// inspectMostBytes bounds the answer to another node: the rest is told as more.
	inspectMostBytes = cluster.MaxMessage * 3 / 4
)

// inspectOrder is what another node wants to know.
type inspectOrder struct {
	api.Target
	Most int `json:"most"`
}

// inspectAnswer is what it gets.
type inspectAnswer struct {
	Clients []api.Client `json:"clients"`
	More    bool         `json:"more,omitempty"`
}

// answerInspect answers other nodes, behind the back of the bus because loops are waited for.
func (s *Server) answerInspect() {
	s.cluster.Answer(topicInspect, func(_ string, body []byte, reply func(any)) {
		var o inspectOrder
		if json.Unmarshal(body, &o) != nil || !o.Target.Valid() || o.Most <= 0 || o.Most > api.MaxInspected {
			return
		}
		s.peers.answer(func() {
			clients, more := s.inspectHere(o.Target, o.Most)
			reply(fitting(inspectAnswer{clients, more}))
		})
	})
}

// fitting leaves out what is too much for one message.
func fitting(a inspectAnswer) inspectAnswer {
	for len(a.Clients) > 0 {
		if text, err := json.Marshal(a); err == nil && len(text) <= inspectMostBytes {
			break
		}
		a.Clients, a.More = a.Clients[:len(a.Clients)/2], true
	}
	return a
}

// Inspect implements api.Clients.
func (s *Server) Inspect(t api.Target, most int) (clients []api.Client, more bool, missing int) {
	if t.Client == "" || nodeOf(t.Client) == s.node {
		clients, more = s.inspectHere(t, most)
	}
	answers := s.askAbout(t, topicInspect, inspectOrder{t, most}, inspectAnswerTimeout)
	missing = len(answers.Missing)
	for _, body := range answers.By {
		var a inspectAnswer
		if json.Unmarshal(body, &a) != nil {
			missing++
			continue
		}
		clients, more = append(clients, a.Clients...), more || a.More
	}
	slices.SortFunc(clients, func(a, b api.Client) int { return strings.Compare(a.ID, b.ID) })
	if len(clients) > most {
		clients, more = clients[:most], true
	}
	return clients, more, missing
}
