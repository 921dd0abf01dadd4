package edge

import (
	"bytes"
	"errors"
	"slices"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/reactor"
)

// What the engine or the node says no to.
var (
	errLimit         = &native.Error{Code: native.CodeLimit, Message: "too many channels"}
	errUnavailable   = &native.Error{Code: native.CodeUnavailable, Message: "try again later"}
	errLeft          = &native.Error{Code: native.CodeUnavailable, Message: "unsubscribed before the subscription was complete"}
	errAlready       = &native.Error{Code: native.CodeAlreadySubscribed, Message: "already subscribed"}
	errNotSubscribed = &native.Error{Code: native.CodeNotSubscribed, Message: "not subscribed"}
)

// run carries out one command.
func (s *session) run(c *reactor.Conn, cmd *native.Command) {
	switch cmd.Verb {
	case native.Connect:
		s.respond(c, s.welcome(cmd.ID))
	case native.Ping:
		s.respond(c, native.AppendPong(nil, cmd.ID))
	case native.Subscribe:
		s.subscribeAll(c, cmd)
	case native.Unsubscribe:
		for _, name := range cmd.Channels {
			s.unsubscribe(c, cmd.ID, name)
		}
	case native.Publish:
		s.publish(c, cmd)
	case native.Presence:
		s.presence(c, cmd)
	case native.Ack:
		if s.subscribedTo(cmd.Channels[0]) < 0 {
			s.refuse(c, cmd.ID, cmd.Channels[0], errNotSubscribed)
		}
	}
}

func (s *session) refuse(c *reactor.Conn, id []byte, channel string, err *native.Error) {
	s.respond(c, native.AppendError(nil, id, channel, err))
}

// subscribeAll answers for each channel of the command, in order. A command that names more channels than a client can have
// gets one error: it must not buy thousands of replies with one message.
func (s *session) subscribeAll(c *reactor.Conn, cmd *native.Command) {
	if len(cmd.Channels) > s.server.config.ChannelsPerConn {
		s.refuse(c, cmd.ID, "", errLimit)
		return
	}
	id := bytes.Clone(cmd.ID) // outlives the frame, should an answer be owed
	for _, name := range cmd.Channels {
		if err := s.subscribe(c, id, name, cmd.Recover); err != nil {
			s.refuse(c, id, name, err)
		}
	}
}

// subscribe begins to join a channel: the loop is marked as interested, then the position is asked for, then positionKnown
// puts both together. An error is to be answered; otherwise the answer is on its way.
func (s *session) subscribe(c *reactor.Conn, id []byte, name string, from *native.Recover) *native.Error {
	if !s.mayHave(name) {
		return errPersonal
	}
	if s.subscribedTo(name) >= 0 || s.joining(name) >= 0 {
		return errAlready
	}
	if s.channels() >= s.server.config.ChannelsPerConn {
		return errLimit
	}
	if channel.IsPattern(name) {
		return s.subscribeWildcard(c, id, name, from)
	}
	channel, err := s.server.hub.Acquire(name)
	if err != nil {
		return errLimit
	}
	joining, err := c.Join(channel.Topic(), formNative)
	if err != nil {
		channel.Release()
		return errUnavailable
	}
	j := &join{channel: channel, reactor: joining, reply: s.reserve(c), id: id, from: from}
	s.pending.joins = append(s.pending.joins, j)
	// Even an answer that is there at once goes by the loop's inbox: what the position counts was posted there before it,
	// and so has been held back, and is dropped, by the time the conn enters the topic. Nothing comes twice.
	channel.Position(func(position broker.Position, err error) {
		c.Post(func(c *reactor.Conn) { s.positionKnown(c, j, position, err) })
	})
	return nil
}

// channels is how many channels the client has, or is about to have.
func (s *session) channels() int {
	if s.pending == nil {
		return len(s.joined)
	}
	return len(s.joined) + len(s.pending.joins)
}

// positionKnown takes the engine's answer. Until its reply has its turn the channel stays among those being joined.
func (s *session) positionKnown(c *reactor.Conn, j *join, position broker.Position, err error) {
	if j.left {
		return
	}
	s.answer(c, j.reply, func(c *reactor.Conn) {
		s.pending.remove(j)
		s.finish(c, j, position, err)
	})
}

// finish ends a join: the reply, and right behind it what was published since the position.
func (s *session) finish(c *reactor.Conn, j *join, position broker.Position, err error) {
	name := j.channel.Name()
	if err != nil {
		j.reactor.Abort()
		j.channel.Release()
		send(c, native.AppendError(nil, j.id, name, errUnavailable))
		return
	}
	reply := native.Subscribed{Channel: name, Position: position, Asked: j.from != nil}
	// No history is kept, so that a client is up to date exactly if it has seen the last publication.
	reply.Recovered = reply.Asked && j.from.Epoch == position.Epoch && j.from.Offset == position.Offset
	send(c, native.AppendSubscribed(nil, j.id, reply))
	s.joined = append(s.joined, j.channel)
	s.appear(c, j.channel)
	_ = j.reactor.Complete(position.Offset) // an error means that the conn is closed: OnClose follows
}

// unsubscribe carries out the command of that name.
func (s *session) unsubscribe(c *reactor.Conn, id []byte, name string) {
	if s.depart(c, name) {
		s.respond(c, native.AppendUnsubscribed(nil, id, name))
	} else {
		s.refuse(c, id, name, errNotSubscribed)
	}
}

// depart leaves a channel, or stops joining it; it tells whether there was anything to leave.
func (s *session) depart(c *reactor.Conn, name string) bool {
	if i := s.subscribedTo(name); i >= 0 {
		channel := s.joined[i]
		s.joined = slices.Delete(s.joined, i, i+1)
		c.Unsubscribe(channel.Topic())
		s.vanish(c, channel)
		channel.Release()
	} else if i := s.joining(name); i >= 0 {
		s.stopJoining(c, s.pending.joins[i])
	} else {
		return false
	}
	return true
}

// stopJoining answers the subscribe with an error, as it would otherwise never be.
func (s *session) stopJoining(c *reactor.Conn, j *join) {
	j.left = true
	j.reactor.Abort()
	j.channel.Release()
	s.pending.remove(j)
	s.answer(c, j.reply, text(native.AppendError(nil, j.id, j.channel.Name(), errLeft)))
}

// publish hands the client's publication to its channel.
func (s *session) publish(c *reactor.Conn, cmd *native.Command) {
	name := cmd.Channels[0]
	channel, err := s.server.hub.Acquire(name)
	if err != nil {
		s.refuse(c, cmd.ID, name, errLimit)
		return
	}
	id := bytes.Clone(cmd.ID)
	var slot *reply
	publication := &broker.Publication{Data: bytes.Clone(cmd.Data), Client: s.id()}
	if cmd.ExcludeSelf {
		publication.Exclude = publication.Client
	}
	result, err := channel.Publish(publication, func(result broker.Result, err error) {
		channel.Release()
		c.Post(func(c *reactor.Conn) { s.answer(c, slot, text(publishReply(id, name, result, err))) })
	})
	if errors.Is(err, broker.ErrPending) {
		slot = s.reserve(c)
		return
	}
	channel.Release()
	s.respond(c, publishReply(id, name, result, err))
}

func publishReply(id []byte, name string, result broker.Result, err error) []byte {
	if err != nil {
		return native.AppendError(nil, id, name, errUnavailable)
	}
	return native.AppendPublished(nil, id, name, result.Offset)
}
