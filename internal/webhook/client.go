package webhook

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Client asks and tells one backend. All methods are safe from any goroutine, do not block but for Close, and may be called on a nil
// Client, which has no events.
type Client struct {
	// Immutable after New.
	config Config // its bounds, TLS, Trace and Logger
	node   string

	asking     context.Context // ends what is being asked
	stopAsking context.CancelFunc
	working    sync.WaitGroup

	current atomic.Pointer[settings]

	teller teller

	// Guarded by mu.
	mu        sync.Mutex
	closed    bool
	queue     []*Question // that wait for a worker, first come first
	workers   int
	held      int // questions under way
	heldBytes int
	counts    counts
}

// New makes a client for a configuration that has passed Check. node is the id of this node.
func New(cfg Config, node string) *Client {
	cfg = cfg.withDefaults()
	c := &Client{config: cfg, node: node, counts: newCounts()}
	c.current.Store(newSettings(cfg))
	c.asking, c.stopAsking = context.WithCancel(context.Background())
	c.teller.init(c)
	return c
}

// Wants tells whether the backend wants to hear of an event.
func (c *Client) Wants(e Event) bool { return c != nil && c.current.Load().events[e] }

// HeaderNames are those of Config.Headers.
func (c *Client) HeaderNames() []string { return c.current.Load().config.Headers }

// Ask asks about an event. done is called exactly once, from any goroutine, perhaps before Ask returns, and within Config.Timeout.
// It must not block.
func (c *Client) Ask(e Event, o *Occasion, done func(Verdict)) *Question {
	o.Node = c.node
	now := time.Now()
	q := &Question{client: c, settings: c.current.Load(), event: e, body: o.appendBody(make([]byte, 0, 256+len(o.Data)), e), since: now, done: done}
	if f := c.enter(q, now); f != nil {
		c.finish(q, Verdict{}, f)
	}
	return q
}

// enter queues the question, or hands it to a worker.
func (c *Client) enter(q *Question, now time.Time) *failure {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return &failure{failClosed, nil}
	case c.held >= c.config.QueueMax || c.heldBytes+len(q.body) > c.config.QueueMaxBytes:
		return &failure{failFull, nil}
	}
	ok, trial := q.settings.breaker.admit(now)
	if !ok {
		return &failure{failCircuit, nil}
	}
	q.trial, q.state = trial, queued
	c.held++
	q.settings.uses++
	c.heldBytes += len(q.body)
	if c.workers < c.config.Concurrency {
		c.workers++
		q.state = sent
		c.working.Go(func() { c.work(q) })
		return nil
	}
	c.queue = append(c.queue, q)
	return nil
}

// work asks question after question, until none waits. As all have the same time, and wait in their order, one that waits is
// taken, or its time is up, when the time of those before it is.
func (c *Client) work(q *Question) {
	for ; q != nil; q = c.next() {
		verdict, f := c.put(q)
		c.finish(q, verdict, f)
	}
}

func (c *Client) next() *Question {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		c.workers--
		return nil
	}
	q := c.queue[0]
	c.queue[0] = nil
	c.queue = c.queue[1:]
	if q.state == queued {
		q.state = sent
	}
	return q
}

// put puts the question to the backend.
func (c *Client) put(q *Question) (Verdict, *failure) {
	if q.withdrawn() {
		return Verdict{}, &failure{failAbandoned, nil}
	}
	ctx, cancel := context.WithDeadline(c.asking, q.since.Add(q.settings.config.Timeout))
	defer cancel()
	answer, f := c.send(ctx, q.settings.sender, q.event, newID(), q.body)
	if f != nil {
		return Verdict{}, f
	}
	verdict, err := parseVerdict(answer)
	if err != nil {
		return Verdict{}, &failure{failAnswer, nil}
	}
	return verdict, nil
}

// finish tells what has become of a question.
func (c *Client) finish(q *Question, v Verdict, f *failure) {
	if f != nil {
		v = q.settings.policy(q.event)
	}
	now := time.Now()
	c.mu.Lock()
	then := q.end(v)
	news := c.judge(q, f, now)
	c.counts.answered(q, v, f, now.Sub(q.since))
	c.mu.Unlock()
	switch news {
	case circuitOpened:
		c.config.Logger.Warn("webhook: the backend fails, and is left alone for a while", "error", f.Error())
	case circuitClosed:
		c.config.Logger.Info("webhook: the backend answers again")
	case circuitSame:
	}
	q.done(v)
	if then != nil {
		then()
	}
}

// news is what has become of the circuit.
type news uint8

const (
	circuitSame news = iota
	circuitOpened
	circuitClosed
)

// judge tells the breaker. Called with mu held.
func (c *Client) judge(q *Question, f *failure, now time.Time) news {
	if q.state == refusedEntry {
		return circuitSame
	}
	c.held--
	c.heldBytes -= len(q.body)
	s := q.settings
	defer s.release()
	switch {
	case f.answered():
		if s.breaker.success() && !s.retired {
			return circuitClosed
		}
	case f.reason == failAbandoned || f.reason == failClosed:
		if q.trial {
			s.breaker.withdrawn()
		}
	case s.breaker.failure(now, q.trial) && !s.retired:
		return circuitOpened
	}
	return circuitSame
}

// Close has all questions fail, and tells what is still to be told until ctx is done. What can't be told then is counted, and
// logged. It returns when nothing is under way any more.
func (c *Client) Close(ctx context.Context) {
	if c == nil {
		return
	}
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.stopAsking()
	c.teller.close(ctx)
	c.working.Wait()
	c.current.Load().sender.close()
}
