package cluster

import (
	"cmp"
	"encoding/json"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what a Cluster works with.
type Config struct {
	Wire Wire
	// Self is this node; ID is required, and must be another after each start.
	Self Node
	// Beat is how often a node says that it lives. Default 1 s. The nodes of a deployment must agree on it, roughly.
	Beat time.Duration
	// Logger is told of nodes that come and leave. Default slog.Default().
	Logger *slog.Logger
}

// Handler takes what another node tells.
type Handler func(from string, body []byte)

// Answerer answers another node's question: with a value that is encoded as JSON, by one call of reply, from any goroutine. Not to reply is possible, but whoever asks waits
// for it as long as it can.
type Answerer func(from string, body []byte, reply func(value any))

// Cluster is a node's view of the others.
type Cluster struct {
	// Immutable.
	config Config
	self   Node
	done   chan struct{}
	ended  sync.WaitGroup

	// Shared: atomic.
	lost, unanswered atomic.Int64
	greet            atomic.Bool // a node came that may not know of us

	taking sync.Mutex // held while a message is taken, whatever its subject: handlers run one at a time

	saying sync.Mutex // orders seq and Say
	seq    uint64     // guarded by saying

	// Guarded by mu.
	mu        sync.Mutex
	peers     map[string]*peer
	handlers  map[string]Handler
	answerers map[string]Answerer
	watchers  []func(Change)
	questions map[uint64]*question
	number    uint64
	closed    bool
}

// Join makes this process one of the nodes.
func Join(config Config) (*Cluster, error) {
	config.Beat = cmp.Or(config.Beat, time.Second)
	config.Logger = cmp.Or(config.Logger, slog.Default())
	c := &Cluster{
		config: config, self: config.Self, done: make(chan struct{}),
		peers: make(map[string]*peer), handlers: make(map[string]Handler), answerers: make(map[string]Answerer), questions: make(map[uint64]*question),
	}
	for _, subject := range []string{all, one + c.self.ID} {
		if err := config.Wire.Hear(subject, c.take); err != nil {
			return nil, err
		}
	}
	c.ended.Go(c.keepTime)
	return c, nil
}

// keepTime says that this node lives, and ends questions whose time is over.
func (c *Cluster) keepTime() {
	beats := time.NewTicker(c.config.Beat)
	defer beats.Stop()
	due := time.NewTicker(c.config.Beat / 20)
	defer due.Stop()
	c.present(beat)
	for {
		select {
		case <-beats.C:
			c.present(beat)
		case now := <-due.C:
			c.expire(now)
			if c.greet.Swap(false) {
				c.present(hello)
			}
		case <-c.done:
			return
		}
	}
}

// present says who this node is.
func (c *Cluster) present(k kind) { _ = c.sayAll(&message{Kind: k, Node: &c.self}) }

// Handle has handle called with what other nodes tell of a topic. What nobody handles is passed over. It may come from a node that has not been announced as Came.
func (c *Cluster) Handle(topic string, handle Handler) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.handlers[topic] = handle
}

// Answer has give called with what other nodes ask about a topic.
func (c *Cluster) Answer(topic string, give Answerer) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answerers[topic] = give
}

// Tell tells all other nodes something. It never waits.
func (c *Cluster) Tell(topic string, value any) error {
	if c == nil {
		return nil
	}
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return c.sayAll(&message{Kind: tell, Topic: topic, Body: body})
}

// TellOne tells one other node something. It never waits.
func (c *Cluster) TellOne(node, topic string, value any) error {
	if c == nil {
		return nil
	}
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return c.say(one+node, &message{Kind: tell, Topic: topic, Body: body})
}

// sayAll says something to all nodes. What one node says is heard in the order of its Seq.
func (c *Cluster) sayAll(m *message) error {
	c.saying.Lock()
	defer c.saying.Unlock()
	m.Seq = c.seq + 1
	err := c.say(all, m)
	if err == nil {
		c.seq++
	}
	return err
}

func (c *Cluster) say(subject string, m *message) error {
	select {
	case <-c.done:
		return ErrClosed
	default:
	}
	m.From = c.self.ID
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if len(data) > MaxMessage {
		return ErrTooLarge
	}
	c.config.Wire.Say(subject, data)
	return nil
}

// take takes a message.
func (c *Cluster) take(data []byte) {
	c.taking.Lock()
	defer c.taking.Unlock()
	select {
	case <-c.done:
		return
	default:
	}
	var m message
	if json.Unmarshal(data, &m) != nil || m.From == "" {
		return
	}
	if m.From == c.self.ID {
		if m.Kind == beat {
			c.announce(c.heardSelf())
		}
		return
	}
	c.announce(c.heardFrom(&m))
	c.mu.Lock()
	handle, give := c.handlers[m.Topic], c.answerers[m.Topic]
	c.mu.Unlock()
	switch m.Kind {
	case tell:
		if handle != nil {
			handle(m.From, m.Body)
		}
	case ask:
		c.give(&m, give)
	case answer:
		c.answered(&m)
	}
}

// announce tells watchers of changes, and ends what waits for nodes that have left.
func (c *Cluster) announce(changes []Change) {
	for _, change := range changes {
		if change.What == Lost {
			c.config.Logger.Warn("cluster: something that a node told was lost", "node", change.Node.Name, "id", change.Node.ID)
		} else {
			c.config.Logger.Info("cluster: a node "+change.What.String(), "node", change.Node.Name, "id", change.Node.ID)
		}
		c.mu.Lock()
		watchers := c.watchers
		c.mu.Unlock()
		for _, watch := range watchers {
			watch(change)
		}
		switch change.What {
		case Came:
			c.greet.Store(true) // so that it need not wait for a beat
		case Left:
			c.gone(change.Node.ID)
		}
	}
}

// bye says that this node ends, and nothing behind that: whoever hears of it once more takes it for a node that has come.
func (c *Cluster) bye() {
	c.saying.Lock()
	defer c.saying.Unlock()
	_ = c.say(all, &message{Kind: bye, Seq: c.seq + 1})
	close(c.done)
}

// Close says that this node ends. Questions that are open end with what was answered.
func (c *Cluster) Close() {
	if c == nil {
		return
	}
	c.mu.Lock()
	again := c.closed
	c.closed = true
	c.mu.Unlock()
	if again {
		return
	}
	c.bye()
	c.ended.Wait()
	c.endAll()
}

// Stats are a cluster's.
type Stats struct {
	Nodes      int   // others that live
	Lost       int64 // times that something told by another was lost
	Unanswered int64 // nodes that did not answer a question in time
}

// Stats is a snapshot.
func (c *Cluster) Stats() Stats {
	if c == nil {
		return Stats{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return Stats{len(c.peers), c.lost.Load(), c.unanswered.Load()}
}
