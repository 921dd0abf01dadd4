package edge

import (
	"bytes"
	"errors"
	"slices"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/flight"
	"github.com/wsedge/wsedge/internal/hub"
	"github.com/wsedge/wsedge/internal/metrics"
	"github.com/wsedge/wsedge/reactor"
)

// Channels with acknowledgement keep a cursor for each user. A subscription begins there, as one that recovers from there does (catchUp), and holds
// the cursor while it lasts, so that others are forgotten first. What a client acknowledges moves it, for all clients of
// the user.

var errAhead = &native.Error{Code: native.CodeBadRequest, Message: "nothing was published at that offset"}

// cursors are those that a client's subscriptions hold: 24 B each. Owned by the loop.
type cursors []heldCursor

type heldCursor struct {
	channel *hub.Channel
	hold    broker.Hold
}

// ackUser is whose acknowledgements count in a channel; "" where nobody's do.
func (s *session) ackUser(channel *hub.Channel) string {
	if !channel.Options().Ack {
		return ""
	}
	return s.user()
}

// acknowledge carries out the command of that name.
func (s *session) acknowledge(c *reactor.Conn, cmd *native.Command) {
	name := cmd.Channels[0]
	i := s.subscribedTo(name)
	if i < 0 {
		s.refuse(c, cmd.ID, name, errNotSubscribed)
		return
	}
	channel := s.joined[i]
	id := bytes.Clone(cmd.ID) // nearly always none, which costs nothing
	err := channel.Acknowledge(s.ackUser(channel), cmd.Offset, func(err error) {
		c.Post(func(c *reactor.Conn) { s.acknowledged(c, id, name, err) })
	})
	if !errors.Is(err, broker.ErrPending) {
		s.acknowledged(c, id, name, err)
	}
}

// acknowledged takes the verdict on an acknowledgement. Only what was refused is answered.
func (s *session) acknowledged(c *reactor.Conn, id []byte, name string, err error) {
	switch {
	case err == nil:
		s.server.noteChannel(s.number, flight.Acknowledged, name)
	case errors.Is(err, broker.ErrAhead):
		s.refuse(c, id, name, errAhead)
		s.strike(c)
	default:
		s.refuse(c, id, name, errUnavailable)
	}
}

// holdCursor has a subscription that begins hold its user's cursor, and returns where that is; nil where there is none.
func (s *session) holdCursor(j *join, past *broker.Past) *uint64 {
	if j.user == "" {
		return nil
	}
	hold, at := j.channel.Hold(j.user, broker.StartOf(j.from.Position(), past))
	if hold == nil {
		return nil
	}
	g := s.guarded()
	if g.cursors == nil {
		g.cursors = &cursors{}
	}
	*g.cursors = append(*g.cursors, heldCursor{j.channel, hold})
	return &at
}

// releaseCursor lets go what the subscription to a channel holds, if it does.
func (s *session) releaseCursor(channel *hub.Channel) {
	if s.guard == nil || s.guard.cursors == nil {
		return
	}
	held := s.guard.cursors
	i := slices.IndexFunc(*held, func(h heldCursor) bool { return h.channel == channel })
	if i < 0 {
		return
	}
	(*held)[i].hold.Release()
	if *held = slices.Delete(*held, i, i+1); len(*held) == 0 {
		s.guard.cursors = nil
	}
}

// releaseCursors lets go what all subscriptions hold.
func (s *session) releaseCursors() {
	if s.guard == nil || s.guard.cursors == nil {
		return
	}
	for _, held := range *s.guard.cursors {
		held.hold.Release()
	}
	s.guard.cursors = nil
}

// ackStats are those of the engine: what this node has in hand.
func (s *Server) ackStats() metrics.Acks {
	var stats broker.CursorStats
	switch b := s.config.Broker.(type) {
	case *broker.Memory:
		stats = b.Stats().Cursors
	case interface{ CursorStats() broker.CursorStats }:
		stats = b.CursorStats()
	}
	return metrics.Acks{
		Cursors: stats.Kept, Bytes: stats.Bytes,
		Forgotten: map[string]int64{"users": stats.ForOthers, "channel": stats.WithChannel, "reload": stats.Unpromised},
		Refused:   map[string]int64{"users": stats.TooMany, "memory": stats.NoMemory},
	}
}
