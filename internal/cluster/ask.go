package cluster

import (
	"encoding/json"
	"slices"
	"time"
)

// maxQuestions is how many may be open at a time.
const maxQuestions = 10_000

// Answers is what became of a question.
type Answers struct {
	// By is what nodes have answered, by their ids.
	By map[string]json.RawMessage
	// Missing are the ids of nodes that were there when it was asked, and have not answered: they were too slow, have ended, or are of a version that does not know the topic.
	Missing []string
}

// question is one that is open. Guarded by Cluster.mu.
type question struct {
	waits []string // nodes that have not answered
	until time.Time
	got   Answers
	done  func(Answers)
}

// Ask asks all other nodes. done is called once, from any goroutine, with what they have answered when all have, or when the time is over; where there is no other node at once, by the caller's
// goroutine. It must not wait. Only who was there when it was asked is waited for. An error means that nobody was asked, and done is not called.
func (c *Cluster) Ask(topic string, value any, timeout time.Duration, done func(Answers)) error {
	return c.question("", topic, value, timeout, done)
}

// AskOne is Ask for one other node. Where that is not there, done is called at once, with nothing.
func (c *Cluster) AskOne(node, topic string, value any, timeout time.Duration, done func(Answers)) error {
	return c.question(node, topic, value, timeout, done)
}

// question asks a node, or all for "".
func (c *Cluster) question(node, topic string, value any, timeout time.Duration, done func(Answers)) error {
	if c == nil {
		done(Answers{})
		return nil
	}
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	q := &question{until: time.Now().Add(timeout), got: Answers{By: make(map[string]json.RawMessage)}, done: done}
	number, err := c.open(q, node)
	if err != nil {
		return err
	}
	if number == 0 {
		done(q.got)
		return nil
	}
	m := &message{Kind: ask, Topic: topic, Number: number, Body: body}
	if node == "" {
		err = c.sayAll(m)
	} else {
		err = c.say(one+node, m)
	}
	if err != nil {
		c.mu.Lock()
		_, open := c.questions[number]
		delete(c.questions, number)
		c.mu.Unlock()
		if open {
			return err
		}
	}
	return nil
}

// open notes whom a question waits for, and gives it a number; 0: there is nobody.
func (c *Cluster) open(q *question, node string) (number uint64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return 0, ErrClosed
	case len(c.questions) >= maxQuestions:
		return 0, ErrBusy
	}
	for id := range c.peers {
		if node == "" || id == node {
			q.waits = append(q.waits, id)
		}
	}
	if len(q.waits) == 0 {
		return 0, nil
	}
	c.number++
	c.questions[c.number] = q
	return c.number, nil
}

// give has another node's question answered.
func (c *Cluster) give(m *message, give Answerer) {
	from, number := m.From, m.Number
	if give == nil {
		_ = c.say(one+from, &message{Kind: answer, Number: number, None: true})
		return
	}
	give(from, m.Body, func(value any) {
		body, err := json.Marshal(value)
		if err == nil {
			err = c.say(one+from, &message{Kind: answer, Number: number, Body: body})
		}
		if err != nil && err != ErrClosed {
			c.config.Logger.Warn("cluster: an answer was not sent", "topic", m.Topic, "error", err.Error())
			_ = c.say(one+from, &message{Kind: answer, Number: number, None: true})
		}
	})
}

// answered takes an answer.
func (c *Cluster) answered(m *message) {
	c.settle(m.Number, m.From, func(q *question) {
		if m.None {
			q.got.Missing = append(q.got.Missing, m.From)
			return
		}
		q.got.By[m.From] = m.Body
	})
}

// settle notes what a node has answered to a question, and ends it if that was the last.
func (c *Cluster) settle(number uint64, node string, note func(*question)) {
	c.mu.Lock()
	q := c.questions[number]
	if q == nil || !slices.Contains(q.waits, node) {
		c.mu.Unlock()
		return
	}
	note(q)
	q.waits = slices.DeleteFunc(q.waits, func(id string) bool { return id == node })
	last := len(q.waits) == 0
	if last {
		delete(c.questions, number)
	}
	c.mu.Unlock()
	if last {
		q.done(q.got)
	}
}

// gone ends the waiting for a node that has left.
func (c *Cluster) gone(node string) {
	c.mu.Lock()
	numbers := make([]uint64, 0, len(c.questions))
	for number := range c.questions {
		numbers = append(numbers, number)
	}
	c.mu.Unlock()
	for _, number := range numbers {
		c.settle(number, node, func(q *question) {
			c.unanswered.Add(1)
			q.got.Missing = append(q.got.Missing, node)
		})
	}
}

// expire ends questions whose time is over.
func (c *Cluster) expire(now time.Time) {
	c.finish(func(q *question) bool { return !q.until.After(now) })
}

// endAll ends all of them.
func (c *Cluster) endAll() { c.finish(func(*question) bool { return true }) }

func (c *Cluster) finish(which func(*question) bool) {
	var over []*question
	c.mu.Lock()
	for number, q := range c.questions {
		if which(q) {
			delete(c.questions, number)
			c.unanswered.Add(int64(len(q.waits)))
			q.got.Missing = append(q.got.Missing, q.waits...)
			over = append(over, q)
		}
	}
	c.mu.Unlock()
	for _, q := range over {
		q.done(q.got)
	}
}
