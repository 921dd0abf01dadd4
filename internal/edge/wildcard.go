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
// other. Two wildcards of a client never overlap, and the reactor sees to it that a channel of its own does not bring a second copy.
func (s *session) subscribeWildcard(c *reactor.Conn, id []byte, pattern string, from *native.Recover) *native.Error {
	if s.server.remote() != nil {
		return errNoWildcards
	}
	if slices.ContainsFunc(s.joined, func(other *hub.Channel) bool { return overlap(other, pattern) }) {
		return errOverlap
	}
	if s.refillsUnder(pattern) {
		return errUnavailable
	}
	wildcard, err := s.server.hub.AcquireWildcard(pattern)
	if err != nil {
		return errWildcards
	}
	if err := c.SubscribeIn(wildcard.Topic(), formNative); err != nil {
		wildcard.Release()
		return errUnavailable
	}
	s.joined = append(s.joined, wildcard)
	s.server.noteChannel(s.number, flight.Subscribed, pattern)
	s.server.traffic.subscriptions.Add(1)
	s.respond(c, native.AppendSubscribedLive(nil, id, pattern, from != nil))
	return nil
}

func overlap(other *hub.Channel, pattern string) bool {
	return other.IsWildcard() && (channel.Covers(other.Name(), pattern) || channel.Covers(pattern, other.Name()))
}

// hearsWildcardOf tells whether a wildcard of the client covers the channel.
func (s *session) hearsWildcardOf(name string) bool {
	return slices.ContainsFunc(s.joined, func(other *hub.Channel) bool { return other.IsWildcard() && channel.Covers(other.Name(), name) })
}
