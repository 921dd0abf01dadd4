package reactor

import (
	"iter"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// Form is one way to put a publication on the wire: an index into Config.Forms.
type Form uint8

// TopicOptions describe a topic.
type TopicOptions struct {
	// Policy is for subscribers that do not keep up. Default Disconnect.
	Policy SlowPolicy
	// MaxAge bounds how old a publication may be that still waits for a subscriber: older ones are dropped as stale, or the
	// subscriber is closed as slow under Disconnect. Under KeepLatest the newest stays, however old it is. 0: only
	// Config.OutboundMaxAge bounds the wait, which closes the conn whatever the policy is.
	MaxAge time.Duration
	// Gap makes the notices that take the place of what was dropped for a subscriber. nil: there is none, and only Config.OnDrop
	// tells.
	Gap GapEncoder
	// Wide is for a topic that gets publications of many others, by Publication.Also, which have no order and no Seq among
	// themselves: its notices, and what is told of its drops, mean nothing. Conns come to it by Subscribe, not Join. One that is
	// subscribed to another topic, too, gets what is published to both once, in the order of the other.
	Wide bool
}

// Topic is a set of conns that get the same publications, in the same order on each. All methods are safe from any
// goroutine.
type Topic struct {
	// Immutable after NewTopic.
	srv    *Server
	wide   bool
	gap    GapEncoder
	shares []share // by loop

	// Shared: atomic.
	subscribers atomic.Int64
	slow        atomic.Uint64 // slowness: what is done for subscribers that do not keep up

	publishing sync.Mutex // held from the first inbox to the last: the order is the same in all of them
}

// share is a topic's part on one loop.
type share struct {
	interest atomic.Uint64 // bits of the variants that have, or are about to have, members; written by the loop
	groups   []*group      // by variant, as far as used; owned by the loop
}

// variants are those that have, or are about to have, members.
func (s *share) variants() iter.Seq[variant] {
	return func(yield func(variant) bool) {
		for interest := s.interest.Load(); interest != 0; interest &= interest - 1 {
			if !yield(variant(bits.TrailingZeros64(interest))) {
				return
			}
		}
	}
}

// NewTopic makes a topic. It holds nothing but memory, and needs no closing. Safe from any goroutine.
func (s *Server) NewTopic(o TopicOptions) *Topic {
	if o.Policy == Suspend && s.cfg.OnResume == nil {
		o.Policy = DropOldest
	}
	t := &Topic{srv: s, wide: o.Wide, gap: o.Gap, shares: make([]share, s.cfg.Loops)}
	t.slow.Store(slowness(o.Policy, ticksOrNone(o.MaxAge)))
	return t
}

// Encoder puts one publication on the wire.
type Encoder interface {
	// AppendForm appends the complete wire bytes of the publication in form f: one WebSocket frame, or several, none of them
	// compressed. It is called at most once for each form that has subscribers.
	AppendForm(dst []byte, f Form) []byte
}

// Publication is what Publish sends.
type Publication struct {
	// Encoder puts it on the wire. Required.
	Encoder Encoder
	// Seq orders the publications of a topic, for Joining.Complete and for what is told of drops; it rises. Zero where nobody
	// asks for it.
	Seq uint64
	// Prev is the Seq of the publication before it.
	Prev uint64
	// Exclude is a conn that gets nothing of it, such as the publisher's. May be nil.
	Exclude *Conn
	// Also are wide topics whose subscribers get it, too, but for those that are subscribed to the topic itself. Several of them
	// come in the same order in all publications that have them, and no conn may be subscribed to two of them.
	Also []*Topic
	// Receipt is told what becomes of it. It is for this publication alone. nil: nobody asks.
	Receipt *Receipt
}

// Publish sends a publication to every subscriber that the topic has now, and to those of the wide topics that it names. It returns how
// many subscriptions those are, an excluded conn's included; each of the conns will get it, or be counted among the drops. It does not wait
// for any of them. ErrBacklog: nothing was sent.
func (t *Topic) Publish(p Publication) (matched int, err error) {
	t.publishing.Lock()
	defer t.publishing.Unlock()
	if t.srv.backlogged() {
		t.srv.counters.backlogged.Add(1)
		return 0, ErrBacklog
	}
	if len(p.Also) > 0 {
		matched = t.publishWide(&p)
		p.Receipt.settlePublish(matched)
		return matched, nil
	}
	matched = int(t.subscribers.Load())
	e := encoding{srv: t.srv, encoder: p.Encoder}
	defer e.release()
	for _, l := range t.srv.knownLoops() {
		for interest := t.shares[l.idx].interest.Load(); interest != 0; interest &= interest - 1 {
			v := variant(bits.TrailingZeros64(interest))
			shared := e.in(v)
			shared.Retain()
			p.Receipt.expect()
			if !l.inbox.put(post{
				kind: postPublication, variant: v, topic: t, shared: shared, conn: p.Exclude, seq: p.Seq, prev: p.Prev, receipt: p.Receipt,
			}) {
				shared.Release()
				p.Receipt.settle()
			}
		}
	}
	p.Receipt.settlePublish(matched)
	return matched, nil
}

// Broadcast sends one WebSocket message, the same in all forms, to every subscriber that the topic has now. It returns
// what Publish returns, and ErrOpcode if op is neither text nor binary. payload is copied.
func (t *Topic) Broadcast(op Opcode, payload []byte) (matched int, err error) {
	if !isMessage(op) {
		return 0, ErrOpcode
	}
	return t.Publish(Publication{Encoder: Message{op, payload}})
}

// BroadcastExcept is Broadcast to all but one, such as the one whose message is being passed on: c may be nil. Like Broadcast it is safe from any
// goroutine, and returns how many subscriptions there are, c's included.
func (t *Topic) BroadcastExcept(c *Conn, op Opcode, payload []byte) (matched int, err error) {
	if !isMessage(op) {
		return 0, ErrOpcode
	}
	return t.Publish(Publication{Encoder: Message{op, payload}, Exclude: c})
}

// Message is the Encoder of one WebSocket message, the same in all forms, for those who publish with a Seq, or a Receipt.
type Message struct {
	// Op is Text or Binary; nothing checks it.
	Op Opcode
	// Payload is read while Publish runs.
	Payload []byte
}

// AppendForm implements Encoder.
func (m Message) AppendForm(dst []byte, _ Form) []byte {
	return frame.AppendFrame(dst, m.Op, m.Payload)
}

// Subscribers returns how many conns are subscribed.
func (t *Topic) Subscribers() int { return int(t.subscribers.Load()) }

// groupOn returns the topic's group on a loop, or nil. On that loop only.
func (t *Topic) groupOn(l *loop, v variant) *group {
	if groups := t.shares[l.idx].groups; int(v) < len(groups) {
		return groups[v]
	}
	return nil
}

// enlist returns the topic's group on a loop, made if there is none, and marks the loop as interested. On that loop only.
func (t *Topic) enlist(l *loop, v variant) *group {
	share := &t.shares[l.idx]
	for int(v) >= len(share.groups) {
		share.groups = append(share.groups, nil)
	}
	if share.groups[v] == nil {
		share.groups[v] = newGroup(l, t, v)
	}
	share.interest.Or(1 << v)
	return share.groups[v]
}

// delist ends the loop's interest if the group has no member left. On that loop only.
func (t *Topic) delist(g *group) {
	if !g.idle() {
		return
	}
	t.shares[g.loop.idx].interest.And(^uint64(1 << g.variant))
	if !g.busy() {
		t.forget(g)
	}
}

// forget lets an idle group go. On its loop only.
func (t *Topic) forget(g *group) {
	if t.groupOn(g.loop, g.variant) != g {
		return // forgotten already, or another has its place
	}
	share := &t.shares[g.loop.idx]
	share.groups[g.variant] = nil
	for _, other := range share.groups {
		if other != nil {
			return
		}
	}
	share.groups = nil
}
