package edge

import (
	"slices"

	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/flight"
	"github.com/wsedge/wsedge/internal/hub"
	"github.com/wsedge/wsedge/reactor"
)

var (
	errOverlap   = &native.Error{Code: native.CodeAlreadySubscribed, Message: "subscribed to an overlapping wildcard"}
	errWildcards = &native.Error{Code: native.CodeLimit, Message: "too many wildcards"}
)

// subscribeWildcard subscribes the client to all channels that a pattern covers, from now on. It stands among the joined channels like any
// other; until the engine brings what other nodes publish, among those being joined. Two wildcards of a client never overlap, and the reactor sees to it
// that a channel of its own does not bring a second copy.
func (s *session) subscribeWildcard(c *reactor.Conn, id []byte, pattern string, from *native.Recover) *native.Error {
	overlaps := func(other *hub.Channel) bool { return overlap(other, pattern) }
	if slices.ContainsFunc(s.joined, overlaps) || s.pending != nil && slices.ContainsFunc(s.pending.joins, func(j *join) bool { return overlaps(j.channel) }) {
		return errOverlap
	}
	if s.refillsUnder(pattern) {
		return errUnavailable
	}
	wildcard, err := s.server.hub.AcquireWildcard(pattern)
	if err != nil {
		return errWildcards
	}
	j := &join{channel: wildcard, id: id, from: from}
	if s.server.remote() == nil {
		s.respond(c, s.finishWildcard(c, j, nil))
		return nil
	}
	j.reply = s.reserve(c)
	s.pending.joins = append(s.pending.joins, j)
	wildcard.Listening(func(err error) {
		c.Post(func(c *reactor.Conn) { s.wildcardKnown(c, j, err) })
	})
	return nil
}

// wildcardKnown takes the engine's answer. Until its reply has its turn the wildcard stays among those being joined.
func (s *session) wildcardKnown(c *reactor.Conn, j *join, err error) {
	if j.left {
		return
	}
	s.answer(c, j.reply, func(c *reactor.Conn) {
		s.pending.remove(j)
		send(c, s.finishWildcard(c, j, err))
	})
}

// finishWildcard subscribes, and returns the reply: before anything that the wildcard brings is sent.
func (s *session) finishWildcard(c *reactor.Conn, j *join, err error) []byte {
	pattern, refusal := j.channel.Name(), errUnavailable
	if err != nil {
		refusal = engineError(err)
	} else if !s.refillsUnder(pattern) {
		err = c.SubscribeIn(j.channel.Topic(), formNative)
	} else {
		err = errUnavailable
	}
	if err != nil {
		j.channel.Release()
		s.server.noteRefusal(s.number, pattern, refusal)
		return native.AppendError(nil, j.id, pattern, refusal)
	}
	s.joined = append(s.joined, j.channel)
	s.server.noteChannel(s.number, flight.Subscribed, pattern)
	s.server.traffic.subscriptions.Add(1)
	return native.AppendSubscribedLive(nil, j.id, pattern, j.from != nil)
}

func overlap(other *hub.Channel, pattern string) bool {
	return other.IsWildcard() && (channel.Covers(other.Name(), pattern) || channel.Covers(pattern, other.Name()))
}

// hearsWildcardOf tells whether a wildcard of the client covers the channel.
func (s *session) hearsWildcardOf(name string) bool {
	return slices.ContainsFunc(s.joined, func(other *hub.Channel) bool { return other.IsWildcard() && channel.Covers(other.Name(), name) })
}
