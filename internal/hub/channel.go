package hub

import (
	"errors"
	"sync/atomic"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/dialect"
	"github.com/wsedge/wsedge/reactor"
)

// Channel is a named stream of publications on this node. Safe from any goroutine between Acquire and Release.
type Channel struct {
	// Immutable after Acquire made it.
	hub  *Hub
	name string
	log  broker.Log

	// Shared: atomic. What the channel promises; replaced by SetNamespaces.
	options atomic.Pointer[channel.Options]

	// Shared: atomic. Made for the first subscriber: a channel that is only published to costs no topic.
	topic atomic.Pointer[reactor.Topic]

	// Shared: atomic. Made for the first member: nil where the namespace keeps none.
	members atomic.Pointer[members]

	// Guarded by the shard's mutex.
	users  int   // subscriptions and publications under way
	usedAt int64 // when users became 0: Unix time in nanoseconds
}

// Name is the channel's name.
func (c *Channel) Name() string { return c.name }

// Options are what the channel promises, and to whom. They are not to be changed.
func (c *Channel) Options() *channel.Options { return c.options.Load() }

// Release ends one use. The channel must not be used afterwards.
func (c *Channel) Release() {
	if c.IsWildcard() {
		c.releaseWildcard()
		return
	}
	s := c.hub.shardOf(c.name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.users--; c.users == 0 {
		c.usedAt = c.hub.config.Now().UnixNano()
	}
}

// Topic is where the channel's subscribers are. A conn that is on its way into it before it asks for the position misses
// nothing: a publication that did not see the topic yet has its offset already, and the position counts it.
func (c *Channel) Topic() *reactor.Topic {
	if t := c.topic.Load(); t != nil {
		return t
	}
	options := c.Options()
	t := c.hub.config.NewTopic(reactor.TopicOptions{
		Policy: slowPolicies[options.Slow], MaxAge: options.SlowMaxAge,
		Gap: &gapEncoder{channel: c, promised: options.Slow == channel.SkipToHistory},
	})
	if !c.topic.CompareAndSwap(nil, t) {
		return c.topic.Load()
	}
	if now := c.Options(); now != options { // replaced meanwhile, by somebody who found no topic
		t.SetSlow(slowPolicies[now.Slow], now.SlowMaxAge)
	}
	return t
}

// slowPolicies are the reactor's words for the policies.
var slowPolicies = [...]reactor.SlowPolicy{
	channel.Disconnect: reactor.Disconnect, channel.DropOldest: reactor.DropOldest, channel.DropNewest: reactor.DropNewest,
	channel.KeepLatest: reactor.KeepLatest, channel.SkipToHistory: reactor.Suspend,
}

// Publish hands p to the engine, which delivers it. It answers as broker.Log's Publish does, and with
// ErrTooLarge.
func (c *Channel) Publish(p *broker.Publication, done func(broker.Result, error)) (broker.Result, error) {
	if !c.Options().Fits(len(p.Data)) {
		return broker.Result{}, ErrTooLarge
	}
	return c.log.Publish(p, done)
}

// Position asks the engine for the channel's position. It answers as broker.Log's Position does.
func (c *Channel) Position(done func(broker.Position, error)) { c.log.Position(done) }

// Recover asks the engine what a subscriber is to get who joins. It answers as broker.Log's Recover does.
func (c *Channel) Recover(q broker.RecoverQuery, done func(broker.Past, error)) {
	c.log.Recover(q, done)
}

// History asks the engine for a part of the history. It answers as broker.Log's History does.
func (c *Channel) History(q broker.HistoryQuery, done func(broker.Past, error)) {
	c.log.History(q, done)
}

// Acknowledge notes what a user has acknowledged. It answers as broker.Log's Acknowledge does.
func (c *Channel) Acknowledge(user string, offset uint64, done func(error)) error {
	return c.log.Acknowledge(user, offset, done)
}

// Hold begins a subscription of a user with a cursor: see broker.Log. It must be released before the channel is.
func (c *Channel) Hold(user string, start broker.Start) (broker.Hold, uint64) {
	return c.log.Hold(user, start)
}

// Deliver implements broker.Sink. The engine calls it with the log locked; nothing in it waits.
func (c *Channel) Deliver(p *broker.Publication, offset, prev uint64) (broker.Delivered, error) {
	topic, also := c.topic.Load(), c.hub.covering(c.name)
	if len(also) > 0 {
		topic = c.Topic()
	}
	if topic == nil {
		c.hub.fanout.count(p)
		return unheard(p), nil
	}
	publication := reactor.Publication{
		Encoder: &encoder{c.hub.config.Forms, dialect.Message{Publication: p, Channel: c.name, Offset: offset, Prev: prev}},
		Seq:     offset,
		Prev:    prev,
		Also:    also,
	}
	if p.Exclude != "" {
		publication.Exclude = c.hub.config.Conn(p.Exclude)
	}
	timed := c.hub.fanout.begin()
	if p.Receipt || !timed.IsZero() {
		publication.Receipt = reactor.NewReceipt()
	}
	matched, err := topic.Publish(publication)
	c.hub.fanout.settle(p, timed, publication.Receipt, matched, err)
	if errors.Is(err, reactor.ErrBacklog) {
		err = ErrBacklog
	}
	return delivered(p, matched, publication.Receipt), err
}

// Gap implements broker.Sink: subscribers are told, in a form that has words for it.
func (c *Channel) Gap(after, before uint64) error {
	topic, also := c.topic.Load(), c.hub.covering(c.name)
	if len(also) > 0 {
		topic = c.Topic()
	}
	if topic == nil {
		return nil
	}
	_, err := topic.Publish(reactor.Publication{Encoder: missing{c, after, before}, Seq: before - 1, Prev: after, Also: also})
	if errors.Is(err, reactor.ErrBacklog) {
		err = ErrBacklog
	}
	return err
}

// missing implements reactor.Encoder.
type missing struct {
	channel       *Channel
	after, before uint64
}

func (m missing) AppendForm(dst []byte, f reactor.Form) []byte {
	if gaps := m.channel.hub.config.Gaps; int(f) < len(gaps) && gaps[f] != nil {
		return gaps[f](dst, m.channel.name, m.after, m.before)
	}
	return dst
}

// gapEncoder implements reactor.GapEncoder.
type gapEncoder struct {
	channel  *Channel
	promised bool // that what is missing is looked for in the history
}

func (g *gapEncoder) AppendGap(dst []byte, f reactor.Form, after, before uint64) []byte {
	gaps := g.channel.hub.config.Gaps
	if g.promised {
		gaps = g.channel.hub.config.PromisedGaps
	}
	if int(f) < len(gaps) && gaps[f] != nil {
		return gaps[f](dst, g.channel.name, after, before)
	}
	return dst
}

// encoder implements reactor.Encoder.
type encoder struct {
	forms   []dialect.Encode
	message dialect.Message
}

func (e *encoder) AppendForm(dst []byte, f reactor.Form) []byte {
	return e.forms[f](dst, &e.message)
}
