package hub

import (
	"cmp"
	"errors"
	"hash/maphash"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/dialect"
	"github.com/wsedge/wsedge/reactor"
)

// ErrFull says that the node has as many channels as it may have.
var ErrFull = errors.New("hub: too many channels")

// ErrTooLarge says that a publication's data is more than its namespace takes.
var ErrTooLarge = errors.New("hub: publication too large")

// ErrBacklog says that so much waits for slow subscribers of this node that nothing more is taken.
var ErrBacklog = errors.New("hub: too much waits to be sent")

// shards is how many maps the channels are spread over: enough that look-ups of a few loops and some hundred API requests
// seldom meet, and that who looks at a million channels one after the other (Sweep, List) keeps none of them waiting for more than some 150 µs;
// few enough to sweep one after the other.
const shards = 1024

// Config is what a Hub works with. Its durations and bounds have defaults.
type Config struct {
	// Broker keeps the logs. Required.
	Broker broker.Broker
	// NewTopic makes a topic: reactor.Server's method. Required.
	NewTopic func(reactor.TopicOptions) *reactor.Topic
	// Forms encode publications, by reactor.Form. Required.
	Forms []dialect.Encode
	// Gaps encode the notices of what a slow subscriber did not get, by reactor.Form; nil for a form without them.
	Gaps []dialect.EncodeGap
	// PromisedGaps are likewise for channels with the policy skip-to-history, whose sessions look into the history.
	PromisedGaps []dialect.EncodeGap
	// Notices encode what is told of a channel's members, by reactor.Form; nil for a form without them.
	Notices []dialect.EncodeNotice
	// Client writes the id of a client, as others see it. Required where namespaces keep members.
	Client func(number uint64) string
	// Exchange tells other nodes of members in namespaces with notices. nil: there are none.
	Exchange Exchange
	// AfterFunc calls f after d, on a goroutine of its own. Default time.AfterFunc.
	AfterFunc func(d time.Duration, f func())
	// Namespaces say what channels promise, until SetNamespaces. Required.
	Namespaces *channel.Namespaces
	// Conn finds a client's conn by its id, nil if it isn't on this node. Required.
	Conn func(client string) *reactor.Conn
	// MaxChannels bounds the channels of the node. Default 1,000,000: about 200 B each.
	MaxChannels int
	// Idle is how long an unused channel is remembered. Default 5 min. One with a history is remembered for as long as there is
	// something in it, while the node has less than three quarters of MaxChannels, and HistoryShort does not say otherwise.
	Idle time.Duration
	// HistoryShort tells that there is hardly room for more history. nil: there always is.
	HistoryShort func() bool
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// Hub holds the channels. Safe from any goroutine.
type Hub struct {
	// Immutable after New.
	config Config
	seed   maphash.Seed

	// Shared: atomic. Replaced before the channels' own options are: a channel that is opened meanwhile has the new ones.
	namespaces atomic.Pointer[channel.Namespaces]

	// Shared: atomic.
	channels  atomic.Int64
	forgotten atomic.Int64              // channels dropped with a history that was to be kept
	changes   atomic.Uint64             // of members that other nodes may hear of
	wildSet   atomic.Pointer[wildcards] // nil: there is none. Replaced with wild held

	wild      sync.Mutex // guards the users of wildcards, and interests
	interests interests
	replacing sync.Mutex // held by SetNamespaces, so that the last one wins everywhere

	walks walks // of List

	fanout fanout // guards itself

	shards [shards]shard
}

type shard struct {
	// Guarded by mu.
	mu     sync.Mutex
	byName map[string]*Channel
}

// New makes an empty hub.
func New(config Config) *Hub {
	if config.MaxChannels == 0 {
		config.MaxChannels = 1_000_000
	}
	if config.Idle == 0 {
		config.Idle = 5 * time.Minute
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.AfterFunc == nil {
		config.AfterFunc = func(d time.Duration, f func()) { time.AfterFunc(d, f) }
	}
	h := &Hub{config: config, seed: maphash.MakeSeed()}
	for i := range h.shards {
		h.shards[i].byName = make(map[string]*Channel)
	}
	h.namespaces.Store(config.Namespaces)
	return h
}

// Options are those of the channel of that name, whether it is open or not. They are not to be changed.
func (h *Hub) Options(name string) *channel.Options { return h.namespaces.Load().Of(name) }

// NamespaceOf is the name of the namespace that the channel of that name is in.
func (h *Hub) NamespaceOf(name string) string { return h.namespaces.Load().NameOf(name) }

// SetNamespaces changes what channels promise. Whether slow subscribers are brought what they missed out of the history stays as it
// is until the channel is dropped: see reactor.Topic.SetSlow.
func (h *Hub) SetNamespaces(n *channel.Namespaces) {
	h.replacing.Lock()
	defer h.replacing.Unlock()
	h.namespaces.Store(n)
	for i := range h.shards {
		s := &h.shards[i]
		s.mu.Lock()
		channels := slices.Collect(maps.Values(s.byName))
		for name, c := range s.byName {
			c.options.Store(n.Of(name))
		}
		s.mu.Unlock()
		for _, c := range channels { // a log may be publishing just now, and nobody who needs the shard waits for that
			o := c.Options()
			c.log.SetRetention(retentionOf(o))
			if t := c.topic.Load(); t != nil {
				t.SetSlow(slowPolicies[o.Slow], o.SlowMaxAge)
			}
		}
	}
}

// retentionOf is what a channel's log is to keep.
func retentionOf(o *channel.Options) broker.Retention {
	r := broker.Retention{Size: o.HistorySize, Age: o.HistoryAge}
	if o.Ack {
		r.Cursors = cmp.Or(o.AckUsers, channel.DefaultAckUsers)
	}
	return r
}

// Channels is how many channels there are, idle ones included.
func (h *Hub) Channels() int { return int(h.channels.Load()) }

// Acquire returns the channel with a valid name, opened if it was not, and keeps it alive until Release. ErrFull where it
// would be one too many.
func (h *Hub) Acquire(name string) (*Channel, error) {
	s := h.shardOf(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.byName[name]
	if c == nil {
		if h.channels.Add(1) > int64(h.config.MaxChannels) {
			h.channels.Add(-1)
			return nil, ErrFull
		}
		c = &Channel{hub: h, name: name}
		c.options.Store(h.Options(name))
		c.log = h.config.Broker.Open(name, retentionOf(c.Options()), c)
		s.byName[name] = c
	}
	c.users++
	return c, nil
}

func (h *Hub) shardOf(name string) *shard {
	return &h.shards[maphash.String(h.seed, name)%shards]
}

// Forgotten is how many channels were dropped with a history that was to be kept, because there were too many channels, or too much
// history.
func (h *Hub) Forgotten() int64 { return h.forgotten.Load() }

// Sweep drops the channels that nobody has used for Config.Idle, but those with a history: they stay until that is empty, if there
// is room. From all others it takes what has become too old.
func (h *Hub) Sweep() {
	before := h.config.Now().Add(-h.config.Idle).UnixNano()
	for i := range h.shards {
		for _, c := range h.sweepShard(&h.shards[i], before) {
			c.log.Trim() // a log may be publishing just now, and nobody who needs the shard waits for that
		}
	}
}

// sweepShard drops what nobody has used since then, and returns the rest.
func (h *Hub) sweepShard(s *shard, before int64) (stay []*Channel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, c := range s.byName {
		if c.users > 0 || c.usedAt > before {
			stay = append(stay, c)
			continue
		}
		if c.log.Trim() {
			if !h.crowded() {
				continue
			}
			h.forgotten.Add(1)
		}
		delete(s.byName, name)
		h.channels.Add(-1)
		c.log.Close()
	}
	return stay
}

// crowded tells whether there is so much that unused channels lose their history.
func (h *Hub) crowded() bool {
	return h.channels.Load() > int64(h.config.MaxChannels)/4*3 || h.config.HistoryShort != nil && h.config.HistoryShort()
}

// SweepEvery sweeps at the interval until done is closed. It blocks.
func (h *Hub) SweepEvery(interval time.Duration, done <-chan struct{}) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			h.Sweep()
		case <-done:
			return
		}
	}
}
