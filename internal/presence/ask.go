package presence

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"github.com/wsedge/wsedge/internal/cluster"
	"github.com/wsedge/wsedge/internal/dialect"
	"github.com/wsedge/wsedge/internal/hub"
)

// maxAnswerBytes bounds the members of one answer, before they are written as JSON, at worst six times as long. What is more is for the next page.
const maxAnswerBytes = 80 << 10

const (
	// maxQuestions bounds the different ones under way. What is more is not asked: the answer is incomplete.
	maxQuestions = 4096
	// maxCursor is where names and ids have ended: what is longer, and comes from a client, is not carried to all nodes. Cut there it means the same.
	maxCursor = 256
)

// question is about a page of a channel's members.
type question struct {
	Channel string `json:"channel"`
	After   string `json:"after,omitempty"`
	Limit   int    `json:"limit"`
}

// answer is a hub.Answer on the wire.
type answer struct {
	Version uint64   `json:"version,omitempty"`
	Count   int      `json:"count"`
	Listed  bool     `json:"listed,omitempty"`
	More    bool     `json:"more,omitempty"`
	Clients []client `json:"clients,omitempty"`
}

// questions are those under way. The same one, asked many times, goes to the others once at a time: who asks meanwhile must not get what was answered before, so they wait for the next.
type questions struct {
	mu   sync.Mutex
	open map[question][]func([]hub.Answer) // those who wait for the next; guarded by mu
}

// Members asks the other nodes for a page of a channel's members, to be merged with those of this node (hub.Merge). done is called once, from any goroutine, and must not wait.
func (x *Exchange) Members(channel, after string, limit int, done func([]hub.Answer)) {
	q := question{channel, after[:min(len(after), maxCursor)], limit}
	qs := &x.questions
	qs.mu.Lock()
	if qs.open == nil {
		qs.open = make(map[question][]func([]hub.Answer))
	}
	if waiting, open := qs.open[q]; open {
		qs.open[q] = append(waiting, done)
		qs.mu.Unlock()
		return
	}
	if len(qs.open) >= maxQuestions {
		qs.mu.Unlock()
		done(answersOf(&q, x.nobody()))
		return
	}
	qs.open[q] = nil
	qs.mu.Unlock()
	x.ask(q, []func([]hub.Answer){done})
}

// ask asks for all who wait, and again for those who come meanwhile.
func (x *Exchange) ask(q question, dones []func([]hub.Answer)) {
	x.config.Hub.Await(q.Channel)
	x.askAll(topicMembers, q, func(got cluster.Answers) {
		answers := answersOf(&q, got)
		for _, done := range dones {
			done(answers)
		}
		qs := &x.questions
		qs.mu.Lock()
		next := qs.open[q]
		if len(next) == 0 {
			delete(qs.open, q)
		} else {
			qs.open[q] = nil
		}
		qs.mu.Unlock()
		if len(next) > 0 {
			go x.ask(q, next) // a goroutine of its own: where nobody is asked the answer comes at once, and this could go on for ever
		}
	})
}

// askAll asks all other nodes. Where that is not possible none of them has answered.
func (x *Exchange) askAll(topic string, q any, done func(cluster.Answers)) {
	if x.config.Reachable() && x.config.Cluster.Ask(topic, q, x.config.Timeout, done) == nil {
		return
	}
	done(x.nobody())
}

// nobody is that none of the other nodes has answered.
func (x *Exchange) nobody() (none cluster.Answers) {
	for _, node := range x.config.Cluster.Nodes() {
		none.Missing = append(none.Missing, node.ID)
	}
	return none
}

// answersOf reads the answers. Those who did not answer are incomplete.
func answersOf(q *question, got cluster.Answers) (answers []hub.Answer) {
	for node, body := range got.By {
		var a answer
		if json.Unmarshal(body, &a) != nil {
			got.Missing = append(got.Missing, node)
			continue
		}
		to := hub.Answer{Node: node, Version: a.Version, Members: dialect.Members{Channel: q.Channel, Count: a.Count, Listed: a.Listed, More: a.More}}
		for i := range a.Clients {
			to.Clients = append(to.Clients, a.Clients[i].present())
		}
		answers = append(answers, to)
	}
	for _, node := range got.Missing {
		answers = append(answers, hub.Answer{Node: node, Members: dialect.Members{Channel: q.Channel, Listed: true, Incomplete: true}})
	}
	return answers
}

// answerMembers answers another node's question.
func (x *Exchange) answerMembers(_ string, body []byte, reply func(any)) {
	var q question
	if json.Unmarshal(body, &q) != nil || q.Limit < 1 {
		return
	}
	m := x.config.Hub.Answer(q.Channel, q.After, q.Limit)
	a := answer{Version: m.Version, Count: m.Count, Listed: m.Listed, More: m.More}
	bytes := 0
	for i := range m.Clients {
		p := &m.Clients[i]
		if bytes += len(p.Client) + len(p.User) + len(p.Info) + 64; bytes > maxAnswerBytes && i > 0 {
			a.More = true
			break
		}
		a.Clients = append(a.Clients, clientOf(p))
	}
	reply(&a)
}

// channelsQuestion is about a page of the channels that are open.
type channelsQuestion struct {
	Prefix string `json:"prefix,omitempty"`
	After  string `json:"after,omitempty"`
	Limit  int    `json:"limit"`
}

// channelsAnswer is such a page.
type channelsAnswer struct {
	Channels []hub.Listed `json:"channels"`
	More     bool         `json:"more,omitempty"`
}

// Channels are those that are open on any node, with the subscribers of all: see hub.List. incomplete tells that some nodes did not say what they have. It waits for that.
func (x *Exchange) Channels(prefix, after string, limit int) (page []hub.Listed, more, incomplete bool) {
	prefix, after = prefix[:min(len(prefix), maxCursor)], after[:min(len(after), maxCursor)]
	answered := make(chan cluster.Answers, 1)
	x.askAll(topicChannels, channelsQuestion{prefix, after, limit}, func(a cluster.Answers) { answered <- a })
	page, more = x.config.Hub.List(prefix, after, limit)
	answers := []channelsAnswer{{page, more}}
	got := <-answered
	for _, body := range got.By {
		var a channelsAnswer
		if json.Unmarshal(body, &a) != nil {
			incomplete = true
			continue
		}
		answers = append(answers, a)
	}
	page, more = mergeChannels(answers, limit)
	return page, more, incomplete || len(got.Missing) > 0
}

// mergeChannels makes one page of those of several nodes: no further than the first of them goes that has more behind it, or those would be passed over.
func mergeChannels(answers []channelsAnswer, limit int) (page []hub.Listed, more bool) {
	sum, end := make(map[string]int), ""
	for _, a := range answers {
		for _, l := range a.Channels {
			sum[l.Name] += l.Subscribers
		}
		if n := len(a.Channels); a.More && n > 0 && (end == "" || a.Channels[n-1].Name < end) {
			more, end = true, a.Channels[n-1].Name
		}
	}
	page = make([]hub.Listed, 0, len(sum))
	for name, n := range sum {
		if end == "" || name <= end {
			page = append(page, hub.Listed{Name: name, Subscribers: n})
		}
	}
	slices.SortFunc(page, func(a, b hub.Listed) int { return strings.Compare(a.Name, b.Name) })
	if len(page) > limit {
		page, more = page[:limit], true
	}
	return page, more
}

// answerChannels answers another node's question. A look at all channels takes its time, so it gets a goroutine, of which there are few: who comes to that is not answered.
func (x *Exchange) answerChannels(_ string, body []byte, reply func(any)) {
	var q channelsQuestion
	if json.Unmarshal(body, &q) != nil || q.Limit < 1 {
		return
	}
	select {
	case x.listing <- struct{}{}:
	default:
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return
	}
	x.ended.Go(func() {
		defer func() { <-x.listing }()
		var a channelsAnswer
		a.Channels, a.More = x.config.Hub.List(q.Prefix, q.After, q.Limit)
		reply(&a)
	})
}
