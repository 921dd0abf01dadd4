package presence

import (
	"cmp"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wsedge/wsedge/internal/cluster"
	"github.com/wsedge/wsedge/internal/hub"
)

const (
	// gather is for how long changes of a channel are gathered into one report.
	gather = 20 * time.Millisecond
	// crowdGap is the least time between two reports of a channel of which only counts are told.
	crowdGap = 500 * time.Millisecond
	// flushed bounds the reports of one turn: 25,000 a second. The wire holds 4,096.
	flushed = 500
	// stepped are those of a round at a time, stepGap apart: 2,000 a second.
	stepped = 100
	stepGap = 50 * time.Millisecond
	// greetings is how often a node says that it has a channel from now on, about greetingGap apart. Who opens it at the same time on another server of a cluster may not be heard, and
	// not hear, the first time.
	greetings   = 2
	greetingGap = time.Second
	// fullEvery is after how many ticks a round of all channels takes the place of the digests, which know only of channels of which both nodes have heard that the other has them.
	fullEvery = 12
	// soon is within which time a round begins that was asked for.
	soon = 500 * time.Millisecond
)

// The topics of messages.
const (
	topicReport   = "presence.report"
	topicRound    = "presence.round"
	topicDigest   = "presence.digest"
	topicAgain    = "presence.again"
	topicMembers  = "presence.members"
	topicChannels = "presence.channels"
)

// Config is what an Exchange works with.
type Config struct {
	// Hub has the channels, and was made with this Exchange. Required.
	Hub *hub.Hub
	// Cluster are the nodes. Required.
	Cluster *cluster.Cluster
	// Reachable tells whether others can be: while they can't, nobody waits for them. Default: they always can.
	Reachable func() bool
	// Every is how often nodes compare what they know, give or take a quarter. Default 10 s.
	Every time.Duration
	// Timeout is how long answers are waited for. Default 500 ms.
	Timeout time.Duration
	// Logger is told of what should not happen. Default slog.Default().
	Logger *slog.Logger
}

// Exchange tells other nodes of this one's members, and hears of theirs. Safe from any goroutine.
type Exchange struct {
	// Immutable after Begin.
	config Config

	wake  chan struct{} // something is due
	again chan struct{} // wanted has something
	done  chan struct{}
	ended sync.WaitGroup

	// Owned by run.
	round  uint64
	walked mask           // the buckets that the round is of
	walk   []*hub.Channel // what is left of it; nil: there is none
	ticks  int
	greets []greet // to come, the next one first

	reports   atomic.Int64  // shared: that were told
	questions questions     // guards itself
	listing   chan struct{} // a place for each look at all channels for another node

	// Guarded by mu.
	mu     sync.Mutex
	due    []*hub.Channel
	open   map[string]*opened
	wanted [buckets / 64]uint64 // by a round
	closed bool
}

// opened is a channel that others are told of.
type opened struct {
	// Guarded by Exchange.mu.
	channel *hub.Channel
	asked   bool // another node wants to hear of it even if nothing has changed

	// Owned by run.
	greeted int       // how often
	greetAt time.Time // when again
	next    time.Time // before which nothing is told
}

// greet is a greeting to come.
type greet struct {
	channel *hub.Channel
	at      time.Time
}

// New makes an Exchange, for the hub's Config. It does nothing before Begin.
func New() *Exchange {
	return &Exchange{
		wake: make(chan struct{}, 1), again: make(chan struct{}, 1), done: make(chan struct{}), open: make(map[string]*opened),
		listing: make(chan struct{}, 2),
	}
}

// Begin begins, before the hub has any members.
func (x *Exchange) Begin(config Config) {
	if x == nil {
		return
	}
	config.Every = cmp.Or(config.Every, 10*time.Second)
	config.Timeout = cmp.Or(config.Timeout, 500*time.Millisecond)
	config.Logger = cmp.Or(config.Logger, slog.Default())
	if config.Reachable == nil {
		config.Reachable = func() bool { return true }
	}
	x.config = config
	c := config.Cluster
	c.Handle(topicReport, x.heard)
	c.Handle(topicRound, x.roundEnded)
	c.Handle(topicDigest, x.compare)
	c.Handle(topicAgain, x.wantAgain)
	c.Answer(topicMembers, x.answerMembers)
	c.Answer(topicChannels, x.answerChannels)
	c.OnChange(x.changed)
	x.ended.Go(x.run)
}

// Close ends it. The cluster is to be closed behind it.
func (x *Exchange) Close() {
	if x == nil {
		return
	}
	x.mu.Lock()
	x.closed = true
	x.mu.Unlock()
	close(x.done)
	x.ended.Wait()
}

// Stats are an Exchange's.
type Stats struct {
	Channels int   // that other nodes are told of
	Reports  int64 // of channels that were told to others
}

// Stats is a snapshot.
func (x *Exchange) Stats() Stats {
	if x == nil {
		return Stats{}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return Stats{len(x.open), x.reports.Load()}
}

// Stirred implements hub.Exchange.
func (x *Exchange) Stirred(c *hub.Channel) {
	x.mu.Lock()
	x.due = append(x.due, c)
	x.mu.Unlock()
	poke(x.wake)
}

// channels are those that are open.
func (x *Exchange) channels() []*hub.Channel {
	x.mu.Lock()
	defer x.mu.Unlock()
	all := make([]*hub.Channel, 0, len(x.open))
	for _, o := range x.open {
		all = append(all, o.channel)
	}
	return all
}

func (x *Exchange) opened(name string) *opened {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.open[name]
}

// later has a channel told of in a turn of its own.
func (x *Exchange) later(c *hub.Channel) {
	x.mu.Lock()
	x.due = append(x.due, c)
	x.mu.Unlock()
	poke(x.wake)
}

// failed reports what could not be told; the end of everything is no news.
func (x *Exchange) failed(err error) {
	if err != nil && !errors.Is(err, cluster.ErrClosed) {
		x.config.Logger.Warn("presence: other nodes were not told", "error", err.Error())
	}
}
