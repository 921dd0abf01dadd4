package jetstream

import (
	"errors"
	"hash/maphash"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/wsedge/wsedge/internal/broker"
)

const (
	// dispatchers is how many goroutines deliver. A channel has one of them.
	dispatchers = 4
	// tick is how often it is looked for what has waited too long.
	tick = 20 * time.Millisecond
)

// Engine implements broker.Remote. Safe from any goroutine.
type Engine struct {
	// Immutable after Connect.
	config     Config
	node       string // begins the header headerFrom of what this node publishes
	link       *link
	js         jetstream.JetStream
	publishing *publishing
	requests   *requests
	cursors    *cursors
	dispatch   [dispatchers]dispatcher
	wides      wides
	seed       maphash.Seed
	done       chan struct{}
	running    sync.WaitGroup

	counters counters                                                      // shared: atomic
	used     atomic.Bool                                                   // likewise: the engine could be used once
	saying   atomic.Int64                                                  // shared: messages to other nodes that wait in the link
	witness  atomic.Pointer[func(string, broker.Position, broker.Receipt)] // likewise
	hearing  hearing                                                       // guards itself

	// Guarded by mu.
	mu      sync.Mutex
	streams map[string]*stream // by shard
	closing bool               // Close was called
	closed  bool
}

// Connect makes an engine. Where there is no server yet it goes on trying: see Health. An error is one of the configuration.
func Connect(config Config) (*Engine, error) {
	e := &Engine{
		config: config.withDefaults(), node: nuid.Next(), seed: maphash.MakeSeed(), done: make(chan struct{}), streams: make(map[string]*stream),
	}
	e.link = &link{wake: make(chan struct{}, 1), closed: make(chan struct{})}
	e.link.state.Store(&broker.Health{Since: e.config.Now()})
	e.publishing = newPublishing(&e.config, func(err error) { e.counters.failed(err) })
	e.requests = &requests{
		link: e.link, inbox: "_INBOX." + e.node + ".r.", timeout: e.config.Timeout, now: e.config.Now, asked: make(map[uint64]*request),
	}
	e.cursors = newCursors(e)
	nc, err := nats.Connect(e.config.URL, e.options()...)
	if err != nil {
		return nil, err
	}
	e.link.nc = nc
	if e.js, err = jetstream.New(nc); err == nil {
		err = e.listen()
	}
	if err != nil {
		nc.Close()
		return nil, err
	}
	e.running.Go(e.link.run)
	e.running.Go(e.keepTime)
	e.running.Go(e.keepUp)
	e.running.Go(e.awaitUse)
	if e.config.Shrink {
		e.running.Go(e.shrink)
	}
	return e, nil
}

// listen subscribes to the answers, and starts those who take them, and publications.
func (e *Engine) listen() error {
	acks := make(chan *nats.Msg, e.config.MaxPending+1024) // as many as there can be
	if _, err := e.link.nc.ChanSubscribe(e.ackInbox()+"*", acks); err != nil {
		return err
	}
	e.running.Go(func() { e.each(acks, e.acknowledged) })
	for _, r := range []*requests{e.requests, e.cursors.requests} {
		sub, err := e.link.nc.Subscribe(r.inbox+"*", r.answered)
		if err != nil {
			return err
		}
		if err := sub.SetPendingLimits(-1, -1); err != nil { // maxAsked and batchBytes bound it
			return err
		}
	}
	for i := range e.dispatch {
		d := &e.dispatch[i]
		d.messages, d.logs = make(chan *nats.Msg, e.config.Backlog), make(map[string]*log)
		e.running.Go(func() { e.each(d.messages, e.deliver) })
	}
	e.wides.messages, e.wides.bySub = make(chan *nats.Msg, e.config.Backlog), make(map[*nats.Subscription]*wide)
	e.running.Go(func() { e.each(e.wides.messages, e.deliverWide) })
	return nil
}

// each takes messages until the engine is closed.
func (e *Engine) each(messages <-chan *nats.Msg, take func(*nats.Msg)) {
	for {
		select {
		case m := <-messages:
			take(m)
		case <-e.done:
			return
		}
	}
}

func (e *Engine) ackInbox() string { return "_INBOX." + e.node + ".p." }

func (e *Engine) acknowledged(m *nats.Msg) {
	if e.publishing.acknowledged(m) {
		e.doubt()
	}
}

// dispatcher are the logs that one goroutine delivers to, by the subject of what is republished.
type dispatcher struct {
	messages chan *nats.Msg // immutable

	mu   sync.Mutex
	logs map[string]*log // guarded by mu
}

func (e *Engine) dispatcherOf(subject string) *dispatcher {
	return &e.dispatch[maphash.String(e.seed, subject)%dispatchers]
}

// logOf is the log that is interested in a subject; nil where there is none any more.
func (e *Engine) logOf(subject string) *log {
	d := e.dispatcherOf(subject)
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.logs[subject]
}

// deliver hands a republished message to its log.
func (e *Engine) deliver(m *nats.Msg) {
	e.counters.received.Add(1)
	if l := e.logOf(m.Subject); l != nil {
		if r, ok := recordOf(m); ok {
			l.arrived(&r)
		}
	}
}

// Open implements broker.Broker. Nothing is asked of NATS before somebody asks for the position.
func (e *Engine) Open(channel string, r broker.Retention, sink broker.Sink) broker.Log {
	l := &log{engine: e, stream: e.streamOf(channel), channel: channel, sink: sink}
	l.SetRetention(r)
	return l
}

// streamOf is the stream of a channel, and of all channels that begin with a prefix. It is not made before it is needed.
func (e *Engine) streamOf(channel string) *stream {
	shard := shardOf(channel)
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.streams[shard]
	if s == nil {
		s = newStream(e, shard)
		e.streams[shard] = s
	}
	return s
}

// allStreams are those that there are.
func (e *Engine) allStreams() []*stream {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make([]*stream, 0, len(e.streams))
	for _, s := range e.streams {
		all = append(all, s)
	}
	return all
}

// Close ends the engine: what is under way fails. It waits for its goroutines, and must not be called from a callback of it.
func (e *Engine) Close() {
	e.mu.Lock()
	again := e.closing
	e.closing = true
	e.mu.Unlock()
	if again {
		return
	}
	e.cursors.flush()
	e.link.settle(lastWords)
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.link.end()
	e.link.nc.Close()
	close(e.done)
	e.running.Wait()
	e.publishing.lose(ErrClosed)
	e.requests.lose(ErrClosed)
	e.cursors.requests.lose(ErrClosed)
}

// keepTime ends what has waited too long.
func (e *Engine) keepTime() {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			e.publishing.expire()
			e.requests.expire()
			e.cursors.requests.expire()
			e.cursors.tick()
		case <-e.done:
			return
		}
	}
}

// CursorStats say what this node has in hand of what users have acknowledged. The streams keep more.
func (e *Engine) CursorStats() (s broker.CursorStats) {
	s.Kept, s.Bytes = e.cursors.inHand()
	s.NoMemory = e.cursors.refused.Load()
	return s
}

// Health implements broker.Remote.
func (e *Engine) Health() broker.Health {
	h := *e.link.state.Load()
	h.Starting = !e.used.Load()
	return h
}

// up is called when there is a connection, the first or another.
func (e *Engine) up(nc *nats.Conn) {
	e.counters.connected.Add(1)
	e.link.state.Store(&broker.Health{Up: true, Since: e.config.Now()})
	e.config.Logger.Info("engine: connected to NATS", "server", nc.ConnectedServerName())
	e.doubt()
	e.compareAll() // what the streams have stored meanwhile
	for _, s := range e.allStreams() {
		s.suspect(nil) // its server may have lost power
	}
}

// down is called when the connection is lost, and when an attempt to connect has failed.
func (e *Engine) down(err error) {
	was := e.Health()
	now := broker.Health{Since: e.config.Now()}
	if !was.Up {
		now.Since = was.Since
	}
	if err != nil {
		now.Why = err.Error()
	}
	e.link.state.Store(&now)
	e.mu.Lock()
	closed := e.closed
	e.mu.Unlock()
	switch {
	case closed:
	case was.Up:
		e.config.Logger.Warn("engine: the connection to NATS is lost; publications are refused until it is back", "error", now.Why)
	case now.Why != was.Why:
		e.config.Logger.Warn("engine: no connection to NATS; it is tried on", "error", now.Why)
	}
	e.publishing.lose(ErrUnknown)
	e.requests.lose(ErrDown)
	e.cursors.requests.lose(ErrDown)
}

// trouble is called with what goes wrong on a connection that lives on.
func (e *Engine) trouble(sub *nats.Subscription, err error) {
	if errors.Is(err, nats.ErrSlowConsumer) && sub != nil {
		e.counters.slow.Add(1)
		if l := e.logOf(sub.Subject); l != nil {
			l.catchUp()
		}
		if w := e.wides.of(sub); w != nil {
			w.catchUp()
		}
		return
	}
	e.config.Logger.Warn("engine: NATS", "error", err.Error())
}

// jitter is a random part of d.
func jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d)
}

// counters are an engine's. Shared: atomic.
type counters struct {
	connected, received, slow           atomic.Int64
	holes, fetched, gaps, tails, stalls atomic.Int64
	duplicates, rollbacks               atomic.Int64
	failures                            [7]atomic.Int64 // by Reasons
}

func (c *counters) failed(err error) {
	word := reason(err)
	for i, r := range Reasons {
		if r == word {
			c.failures[i].Add(1)
		}
	}
}

// RemoteStats implements broker.Remote. Failed has all Reasons.
func (e *Engine) RemoteStats() broker.RemoteStats {
	c := &e.counters
	s := broker.RemoteStats{
		Reconnects: max(0, c.connected.Load()-1), Received: c.received.Load(), Slow: c.slow.Load(), Holes: c.holes.Load(), Tails: c.tails.Load(),
		Fetched: c.fetched.Load(), Gaps: c.gaps.Load(), Duplicates: c.duplicates.Load(), Stalls: c.stalls.Load(), Rollbacks: c.rollbacks.Load(), Failed: make(map[string]int64),
	}
	s.Pending, s.PendingBytes = e.publishing.load()
	s.CursorReads, s.CursorWrites = e.cursors.reads.Load(), e.cursors.writes.Load()
	s.CursorConflicts, s.CursorFailures = e.cursors.conflicts.Load(), e.cursors.failures.Load()
	s.Wildcards, s.Tracked, s.Untracked = len(e.wides.all()), e.wides.tracked.Load(), e.wides.untracked.Load()
	for i, word := range Reasons {
		s.Failed[word] = c.failures[i].Load()
	}
	return s
}
