package edge

import (
	"math"
	"slices"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/dialect/raw"
	"github.com/wsedge/wsedge/internal/flight"
	"github.com/wsedge/wsedge/internal/hub"
	"github.com/wsedge/wsedge/reactor"
)

// A slow client of a channel with the policy skip-to-history is taken out of its topic by the reactor (reactor.Suspend), and is told of a
// gap whose filling is promised. When it has taken all that waited, it joins the topic again as one that comes back does, from where the
// gap began: as much as the conn can hold is read from the history and sent, time and again, until what is left fits; behind that
// it is live. So all of it comes in order. What the history has lost meanwhile is announced as a gap that stands.

// refills are the channels that a client misses something of. Owned by the loop.
type refills []*refill

// refill is one of them.
type refill struct {
	channel *hub.Channel
	after   uint64           // offset up to which the client has got everything, or was told
	joining *reactor.Joining // nil until it has caught up
	over    bool
}

// subscriber is what a refill works for: a session of some dialect.
type subscriber interface {
	// fill sends what publications of the past the conn can hold; it returns how many it has dealt with.
	fill(c *reactor.Conn, channel *hub.Channel, records []broker.Record) int
	// gap tells that publications will not come.
	gap(c *reactor.Conn, channel *hub.Channel, after, before uint64)
	// refilled ends a refill.
	refilled(c *reactor.Conn, r *refill)
}

// begin notes what the reactor has dropped from one of the joined channels. Only the first drop counts: what follows is behind it.
func (rs refills) begin(d reactor.Drop, joined []*hub.Channel) refills {
	if d.Reason != reactor.DropSuspended {
		return rs
	}
	i := slices.IndexFunc(joined, func(c *hub.Channel) bool { return c.Topic() == d.Topic })
	if i < 0 || rs.of(joined[i]) != nil {
		return rs
	}
	return append(rs, &refill{channel: joined[i], after: d.After})
}

// of is the refill of a channel; nil where there is none.
func (rs refills) of(channel *hub.Channel) *refill {
	for _, r := range rs {
		if r.channel == channel {
			return r
		}
	}
	return nil
}

// resume goes on with the refill of a topic, if there is one.
func (rs refills) resume(c *reactor.Conn, s *Server, form reactor.Form, to subscriber, t *reactor.Topic) {
	for _, r := range rs {
		if r.channel.Topic() == t {
			r.run(c, s, form, to)
			return
		}
	}
}

// without is what is left without r, which ends.
func (rs refills) without(c *reactor.Conn, r *refill) refills {
	r.over = true
	if r.joining != nil {
		r.joining.Abort()
	}
	return slices.DeleteFunc(rs, func(other *refill) bool { return other == r })
}

// run joins the topic and asks for what is missing. The channel has been held all the time, so that its epoch is what it was.
func (r *refill) run(c *reactor.Conn, s *Server, form reactor.Form, to subscriber) {
	if r.over {
		return
	}
	joining, err := c.Join(r.channel.Topic(), form)
	if err != nil {
		return // the conn is closed: OnClose follows
	}
	r.joining = joining
	r.channel.Position(func(p broker.Position, err error) {
		if err != nil {
			c.Post(func(c *reactor.Conn) { r.fail(c) })
			return
		}
		since := broker.Position{Epoch: p.Epoch, Offset: r.after}
		q := broker.HistoryQuery{Since: &since, Limit: min(r.channel.Options().HistorySize, s.outboundMaxMessages()), MaxBytes: s.outboundMaxBytes()}
		r.channel.History(q, func(past broker.Past, err error) {
			c.Post(func(c *reactor.Conn) {
				if err != nil {
					r.fail(c)
					return
				}
				if r.goOn(c, to, &past) {
					c.WhenSent(func(c *reactor.Conn) { r.run(c, s, form, to) })
				}
			})
		})
	})
}

// fail ends the connection: what the client misses is unknown, and it can come back and recover.
func (r *refill) fail(c *reactor.Conn) {
	if r.over {
		return
	}
	talk := c.Context().(conversation)
	code, _ := talk.closeCode(reactor.CauseSlow)
	talk.goodbye(c, code, native.CodeUnavailable)
	c.Close(code, native.CodeUnavailable)
}

// goOn sends what there is. It tells whether there is more than the conn can hold now, or could hold of what came meanwhile.
func (r *refill) goOn(c *reactor.Conn, to subscriber, past *broker.Past) (more bool) {
	if r.over {
		return false
	}
	last := past.Position.Offset
	if last < r.after { // the log has been lost
		r.fail(c)
		return false
	}
	if first := past.Publications; len(first) > 0 && first[0].Prev > r.after {
		to.gap(c, r.channel, r.after, first[0].Prev+1)
		r.after = first[0].Prev
	} else if len(first) == 0 && last > r.after {
		to.gap(c, r.channel, r.after, last+1)
		r.after = last
	}
	if n := to.fill(c, r.channel, past.Publications); n > 0 {
		r.after = past.Publications[n-1].Offset
	}
	if r.after < last || r.joining.Overflowed() {
		r.joining.Abort()
		return true
	}
	joining := r.joining
	r.joining = nil
	to.refilled(c, r)
	_ = joining.Complete(last) // an error means that the conn is closed: OnClose follows
	return false
}

func (s *session) dropped(c *reactor.Conn, d reactor.Drop) {
	var rs refills
	if s.pending != nil {
		rs = s.pending.refills
	}
	if rs = rs.begin(d, s.joined); len(rs) == 0 {
		return
	}
	if s.hearsWildcardOf(rs[len(rs)-1].channel.Name()) { // which would go on, in front of what is refilled
		code, reason := s.closeCode(reactor.CauseSlow)
		s.disconnect(c, code, reason)
		return
	}
	if s.pending == nil {
		s.pending = &pending{}
	}
	s.pending.refills = rs
}

func (s *session) resumed(c *reactor.Conn, t *reactor.Topic) {
	if s.pending != nil {
		s.pending.refills.resume(c, s.server, formNative, s, t)
	}
}

// refillsUnder tells whether a channel that the pattern covers is being refilled.
func (s *session) refillsUnder(pattern string) bool {
	return s.pending != nil && slices.ContainsFunc(s.pending.refills, func(r *refill) bool { return channel.Covers(pattern, r.channel.Name()) })
}

// stopRefill ends what goes on for a channel that the client leaves.
func (s *session) stopRefill(c *reactor.Conn, channel *hub.Channel) {
	if s.pending == nil {
		return
	}
	if r := s.pending.refills.of(channel); r != nil {
		s.pending.refills = s.pending.refills.without(c, r)
		s.settle()
	}
}

func (s *session) fill(c *reactor.Conn, channel *hub.Channel, records []broker.Record) int {
	room := c.OutboundRoom()
	missed, n := s.server.batch(room/4*3, channel, records, s.id())
	if n == 0 && len(records) > 0 && room == s.server.outboundMaxBytes() { // one may be larger when nothing else waits
		missed.Release()
		missed, n = s.server.batch(math.MaxInt64, channel, records[:1], s.id())
	}
	sendBatch(c, missed)
	return n
}

func (s *session) gap(c *reactor.Conn, channel *hub.Channel, after, before uint64) {
	s.server.noteChannel(s.number, flight.Gap, channel.Name())
	send(c, native.AppendGapText(nil, channel.Name(), after, before))
}

func (s *session) refilled(c *reactor.Conn, r *refill) {
	s.pending.refills = s.pending.refills.without(c, r)
	s.settle()
}

func (s *rawSession) dropped(_ *reactor.Conn, d reactor.Drop) { s.missed = s.missed.begin(d, s.joined) }

func (s *rawSession) resumed(c *reactor.Conn, t *reactor.Topic) {
	s.missed.resume(c, s.server, formRaw, s, t)
}

func (s *rawSession) fill(c *reactor.Conn, _ *hub.Channel, records []broker.Record) int {
	room := c.OutboundRoom()
	left := room / 4 * 3
	for i, r := range records {
		left -= int64(len(r.Data) + frame.MaxHeaderBytes)
		if left < 0 && (i > 0 || room < s.server.outboundMaxBytes()) {
			return i
		}
		if r.Exclude == "" || r.Exclude != s.server.clients.id(s.number) {
			_ = c.Send(raw.Opcode(r.Kind), r.Data) // an error means that the conn is closed: OnClose follows
		}
	}
	return len(records)
}

func (s *rawSession) gap(_ *reactor.Conn, channel *hub.Channel, _, _ uint64) {
	s.server.noteChannel(s.number, flight.Gap, channel.Name())
}

func (s *rawSession) refilled(c *reactor.Conn, r *refill) { s.missed = s.missed.without(c, r) }
