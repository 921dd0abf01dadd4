package edge

import (
	"encoding/json"
	"time"

	"github.com/wsedge/wsedge/internal/api"
	"github.com/wsedge/wsedge/internal/cluster"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/limit"
)

const (
	// answerTimeout bounds how long other nodes are waited for. One that lives answers within milliseconds; one that has died is taken for gone after some seconds, and
	// until then each question waits as long.
	answerTimeout = time.Second
	// maxAnswering bounds the questions of other nodes that wait for loops here. Others are not answered, and who asks says that.
	maxAnswering = 64
)

// What nodes ask each other.
const (
	topicDisconnect  = "disconnect"
	topicSubscribe   = "subscribe"
	topicUnsubscribe = "unsubscribe"
	topicRevoke      = "revoke"
	topicBar         = "bar"
	topicBarred      = "barred"
)

// peers is what this node does for others, and asks them. The zero value is ready. Safe from any goroutine.
type peers struct{ answering, receipts limit.Slots }

// answer has another node's question answered on a goroutine of its own, unless too many are.
func (p *peers) answer(do func()) {
	if !p.answering.Take(maxAnswering) {
		return
	}
	go func() {
		defer p.answering.Give()
		do()
	}()
}

// answerOthers begins to answer what other nodes ask. Where this node is alone nobody does.
func (s *Server) answerOthers() {
	s.answerCount(topicDisconnect, func(o *order) int { return s.disconnect(o.Target) })
	s.answerCount(topicSubscribe, func(o *order) int { return s.subscribeHere(o.Target, o.names) })
	s.answerCount(topicUnsubscribe, func(o *order) int { return s.unsubscribeHere(o.Target, o.names) })
	s.answerInspect()
	s.answerReceipts()
	s.answerInfo()
	s.hearShares()
	s.answerWhy()
	s.hearBarred()
}

// order is what other nodes are asked to do with clients.
type order struct {
	api.Target
	Channels json.RawMessage `json:"channels,omitempty"`

	names []string // the channels
}

// count is how many connections that was for.
type count struct {
	Conns int `json:"conns"`
}

// answerCount answers by how many connections an order was carried out for.
func (s *Server) answerCount(topic string, carryOut func(*order) int) {
	s.cluster.Answer(topic, func(_ string, body []byte, reply func(any)) {
		if o, ok := readOrder(body); ok {
			reply(count{carryOut(o)})
		}
	})
}

// readOrder reads what another node asks for. It may be of another version, or no node at all.
func readOrder(body []byte) (o *order, ok bool) {
	o = new(order)
	if json.Unmarshal(body, o) != nil || !o.Target.Valid() {
		return nil, false
	}
	if o.Channels != nil {
		names, err := native.ChannelNames(nil, o.Channels)
		if o.names = names; err != nil {
			return nil, false
		}
	}
	return o, true
}

// ask asks the other nodes and waits for their answers. It must not be called on a loop.
func (s *Server) ask(topic string, value any, timeout time.Duration) cluster.Answers {
	return s.await("", topic, value, timeout)
}

// askAbout is ask, about a target: a client's id says which node it is with.
func (s *Server) askAbout(t api.Target, topic string, value any, timeout time.Duration) cluster.Answers {
	if t.Client == "" {
		return s.await("", topic, value, timeout)
	}
	if node := nodeOf(t.Client); node != s.node {
		return s.await(node, topic, value, timeout)
	}
	return cluster.Answers{}
}

func (s *Server) await(node, topic string, value any, timeout time.Duration) cluster.Answers {
	if s.cluster == nil {
		return cluster.Answers{}
	}
	answered := make(chan cluster.Answers, 1)
	done := func(a cluster.Answers) { answered <- a }
	var err error
	if node == "" {
		err = s.cluster.Ask(topic, value, timeout, done)
	} else {
		err = s.cluster.AskOne(node, topic, value, timeout, done)
	}
	if err != nil {
		var a cluster.Answers
		for _, other := range s.cluster.Nodes() {
			if node == "" || node == other.ID {
				a.Missing = append(a.Missing, other.ID)
			}
		}
		return a
	}
	return <-answered
}

// reached sums up how many connections something was done with: here, and at those who have answered.
func reached(here int, a cluster.Answers) api.Reached {
	sum := api.Reached{Conns: here, Missing: len(a.Missing)}
	for _, body := range a.By {
		var c count
		if json.Unmarshal(body, &c) != nil || c.Conns < 0 {
			sum.Missing++
			continue
		}
		sum.Conns += c.Conns
	}
	return sum
}

// Disconnect implements api.Clients.
func (s *Server) Disconnect(t api.Target) api.Reached {
	here := s.disconnect(t)
	return reached(here, s.askAbout(t, topicDisconnect, order{Target: t}, answerTimeout))
}

// Subscribe implements api.Clients.
func (s *Server) Subscribe(t api.Target, channels []string) api.Reached {
	here := s.subscribeHere(t, channels)
	return reached(here, s.askAbout(t, topicSubscribe, newOrder(t, channels), answerTimeout))
}

// Unsubscribe implements api.Clients.
func (s *Server) Unsubscribe(t api.Target, channels []string) api.Reached {
	here := s.unsubscribeHere(t, channels)
	return reached(here, s.askAbout(t, topicUnsubscribe, newOrder(t, channels), answerTimeout))
}

func newOrder(t api.Target, channels []string) order {
	names, _ := json.Marshal(channels) // strings: it can't fail
	return order{Target: t, Channels: names}
}
