package edge

import (
	"bytes"
	"errors"
	"slices"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/flight"
	"github.com/wsedge/wsedge/reactor"
)

// What the engine or the node says no to.
var (
	errLimit         = &native.Error{Code: native.CodeLimit, Message: "too many channels"}
	errNodeLimit     = &native.Error{Code: native.CodeLimit, Message: "too many channels on this node"}
	errUnavailable   = &native.Error{Code: native.CodeUnavailable, Message: "try again later"}
	errLeft          = &native.Error{Code: native.CodeUnavailable, Message: "unsubscribed before the subscription was complete"}
	errAlready       = &native.Error{Code: native.CodeAlreadySubscribed, Message: "already subscribed"}
	errNotSubscribed = &native.Error{Code: native.CodeNotSubscribed, Message: "not subscribed"}
)

// run carries out one command.
func (s *session) run(c *reactor.Conn, cmd *native.Command) {
	if s.member != nil && s.member.identity == nil && cmd.Verb != native.Connect {
		s.refuse(c, cmd.ID, "", errUnauthorized)
		s.strike(c)
		return
	}
	switch cmd.Verb {
	case native.Connect:
		s.connect(c, cmd)
	case native.Refresh:
		s.refresh(c, cmd)
	case native.Ping:
		s.respond(c, native.AppendPong(nil, cmd.ID))
	case native.Subscribe:
		if cmd.Token != "" {
			s.subscribeWith(c, cmd)
			return
		}
		s.subscribeAll(c, cmd)
	case native.Unsubscribe:
		s.unsubscribeAll(c, cmd)
	case native.Publish:
		s.publish(c, cmd)
	case native.Presence:
		s.presence(c, cmd)
	case native.History:
		s.history(c, cmd)
	case native.Ack:
		s.acknowledge(c, cmd)
	}
}

func (s *session) refuse(c *reactor.Conn, id []byte, channel string, err *native.Error) {
	s.server.noteRefusal(s.number, channel, err)
	s.respond(c, native.AppendError(nil, id, channel, err))
}

// subscribeAll answers for each channel of the command, in order. A command that names more channels than a client can have
// gets one error: it must not buy thousands of replies with one message.
func (s *session) subscribeAll(c *reactor.Conn, cmd *native.Command) {
	if len(cmd.Channels) > s.server.current.Load().ChannelsPerConn {
		s.overstep(c, cmd.ID, "", tooManyChannels)
		return
	}
	id := bytes.Clone(cmd.ID) // outlives the frame, should an answer be owed
	struck := false
	for _, name := range cmd.Channels {
		if err := s.subscribe(c, id, name, cmd.Recover); err != nil {
			s.object(c, id, name, err, auth.Subscribe, &struck)
		}
	}
	s.ticketChanged()
}

// subscribe begins to join a channel: the loop is marked as interested, then the position, and what the client
// has missed, is asked for, then pastKnown puts all of it together. An error is to be answered; otherwise the answer is on its way.
func (s *session) subscribe(c *reactor.Conn, id []byte, name string, from *native.Recover) *native.Error {
	if err := s.mayNotSubscribe(name); err != nil {
		return err
	}
	return s.join(c, id, name, from)
}

// join is subscribe for those who may.
func (s *session) join(c *reactor.Conn, id []byte, name string, from *native.Recover) *native.Error {
	if err := s.mayNotJoin(name); err != nil {
		return err
	}
	if channel.IsPattern(name) {
		return s.subscribeWildcard(c, id, name, from)
	}
	channel, err := s.server.hub.Acquire(name)
	if err != nil {
		return errNodeLimit
	}
	joining, err := c.Join(channel.Topic(), formNative)
	if err != nil {
		channel.Release()
		return errUnavailable
	}
	j := &join{channel: channel, reactor: joining, reply: s.reserve(c), id: id, from: from, user: s.ackUser(channel)}
	s.pending.joins = append(s.pending.joins, j)
	// Even an answer that is there at once goes by the loop's inbox: what the position counts was posted there before it,
	// and so has been held back, and is dropped, by the time the conn enters the topic. Nothing comes twice.
	s.server.catchUp(channel, from.Position(), j.user, func(past broker.Past, err error) {
		c.Post(func(c *reactor.Conn) { s.pastKnown(c, j, &past, err) })
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

// pastKnown takes the engine's answer. Until its reply has its turn the channel stays among those being joined.
func (s *session) pastKnown(c *reactor.Conn, j *join, past *broker.Past, err error) {
	if j.left {
		return
	}
	s.answer(c, j.reply, func(c *reactor.Conn) {
		s.pending.remove(j)
		s.finish(c, j, past, err)
	})
}

// finish ends a join: the reply, right behind it what the client has missed, and then what was published since the position.
func (s *session) finish(c *reactor.Conn, j *join, past *broker.Past, err error) {
	name := j.channel.Name()
	var missed *reactor.Batch
	fits := false
	if err == nil {
		missed, fits = s.replay(c, j.channel, past)
	}
	if !fits {
		j.reactor.Abort()
		j.channel.Release()
		s.ticketChanged()
		s.server.noteRefusal(s.number, name, errUnavailable)
		send(c, native.AppendError(nil, j.id, name, errUnavailable))
		return
	}
	reply := native.Subscribed{Channel: name, Position: past.Position, Asked: j.from != nil || j.user != "", Recovered: past.Exact, Acked: s.holdCursor(j, past)}
	send(c, native.AppendSubscribed(nil, j.id, reply))
	sendBatch(c, missed)
	s.joined = append(s.joined, j.channel)
	s.server.traffic.subscriptions.Add(1)
	s.appear(c, j.channel)
	_ = j.reactor.Complete(past.Position.Offset) // an error means that the conn is closed: OnClose follows
}

// unsubscribeAll answers for each channel of the command, in order. As with subscribe, it must not buy thousands of replies.
func (s *session) unsubscribeAll(c *reactor.Conn, cmd *native.Command) {
	if len(cmd.Channels) > max(s.server.current.Load().ChannelsPerConn, s.channels()) {
		s.overstep(c, cmd.ID, "", tooManyChannels)
		return
	}
	for _, name := range cmd.Channels {
		if s.depart(c, name) {
			s.respond(c, native.AppendUnsubscribed(nil, cmd.ID, name))
		} else {
			s.refuse(c, cmd.ID, name, errNotSubscribed)
		}
	}
}

// depart leaves a channel, or stops joining it; it tells whether there was anything to leave.
func (s *session) depart(c *reactor.Conn, name string) bool {
	s.member.takeBack(name)
	s.guest().takeBack(name)
	s.ticketChanged()
	if i := s.subscribedTo(name); i >= 0 {
		s.leave(c, i)
	} else if i := s.joining(name); i >= 0 {
		s.stopJoining(c, s.pending.joins[i])
	} else {
		return false
	}
	return true
}

// leave ends the subscription to the channel at an index of those joined, and what the client was still to get of it.
func (s *session) leave(c *reactor.Conn, i int) {
	channel := s.joined[i]
	s.joined = slices.Delete(s.joined, i, i+1)
	s.server.traffic.subscriptions.Add(-1)
	s.stopRefill(c, channel)
	c.Unsubscribe(channel.Topic())
	s.vanish(c, channel)
	s.releaseCursor(channel)
	channel.Release()
}

// stopJoining answers the subscribe with an error, as it would otherwise never be.
func (s *session) stopJoining(c *reactor.Conn, j *join) {
	j.left = true
	if j.reactor != nil { // a wildcard has none
		j.reactor.Abort()
	}
	j.channel.Release()
	s.pending.remove(j)
	s.answer(c, j.reply, text(native.AppendError(nil, j.id, j.channel.Name(), errLeft)))
}

// publish hands the client's publication to its channel.
func (s *session) publish(c *reactor.Conn, cmd *native.Command) {
	err := s.mayNotPublish(cmd)
	if err == nil {
		err = s.payPublication(cmd)
	}
	s.publishUnless(c, cmd, err)
}

// publishUnless publishes, or refuses to for that reason.
func (s *session) publishUnless(c *reactor.Conn, cmd *native.Command, objection *native.Error) {
	name := cmd.Channels[0]
	if objection != nil {
		struck := false
		s.logDenied(cmd, objection)
		s.object(c, cmd.ID, name, objection, auth.Publish, &struck)
		return
	}
	channel, err := s.server.hub.Acquire(name)
	if err != nil {
		s.logDenied(cmd, errNodeLimit)
		s.refuse(c, cmd.ID, name, errNodeLimit)
		return
	}
	id := bytes.Clone(cmd.ID)
	var slot *reply
	publication := &broker.Publication{
		Data: bytes.Clone(cmd.Data), Client: s.id(), User: s.user(), IdempotencyKey: broker.ScopedKey(s.publisher(), cmd.Key),
	}
	if cmd.ExcludeSelf {
		publication.Exclude = publication.Client
	}
	result, err := channel.Publish(publication, func(result broker.Result, err error) {
		channel.Release()
		s.server.logPublished(publication, name, result, err)
		c.Post(func(c *reactor.Conn) { s.answer(c, slot, text(s.publishReply(id, name, result, err))) })
	})
	if errors.Is(err, broker.ErrPending) {
		slot = s.reserve(c)
		return
	}
	channel.Release()
	s.server.logPublished(publication, name, result, err)
	s.respond(c, s.publishReply(id, name, result, err))
}

// publisher is in whose name the client publishes, before it has come back and after. Clients without a user can't be told apart.
func (s *session) publisher() string {
	if user := s.user(); user != "" {
		return "user " + user
	}
	return "anonymous"
}

func (s *session) publishReply(id []byte, name string, result broker.Result, err error) []byte {
	if err != nil {
		why := engineError(err)
		s.server.noteRefusal(s.number, name, why)
		return native.AppendError(nil, id, name, why)
	}
	s.server.noteChannel(s.number, flight.Published, name)
	return native.AppendPublished(nil, id, name, result.Offset)
}
