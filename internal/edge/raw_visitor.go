package edge

import (
	"slices"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/webhook"
	"github.com/wsedge/wsedge/reactor"
)

// letIn joins the client's channels, once the backend has agreed to what it wants to be asked about.
func (s *rawSession) letIn(c *reactor.Conn) {
	if s.member != nil {
		s.visitor.user = s.member.identity.User
	}
	if !s.visitor.hooks.Wants(webhook.Connect) {
		s.visitor.inside = true
		s.seekChannels(c)
		return
	}
	s.visitor.enter(c, s.server.clients.id(s.number), func(c *reactor.Conn, verdict webhook.Verdict) {
		if !verdict.Allow {
			s.turnAway(c, &verdict)
			return
		}
		if !s.server.name(c, s.visitor, &verdict) {
			c.Close(frame.CloseTryAgainLater, "user_connections")
			return
		}
		s.seekChannels(c, verdict.Channels...)
	})
}

// seekChannels asks about the channels of the URL, once it is known that the client may have them as far as we know, and joins them and
// those given when all are allowed.
func (s *rawSession) seekChannels(c *reactor.Conn, given ...string) {
	if len(given) > 0 {
		s.visitor.grants().channels = given
	}
	if !s.remain(c, s.names) {
		return
	}
	seek := slices.DeleteFunc(slices.Clone(s.names), func(name string) bool { return slices.Contains(given, name) })
	for _, name := range given {
		if !slices.Contains(s.names, name) && len(s.names) < s.server.current.Load().ChannelsPerConn {
			s.names = append(s.names, name)
		}
	}
	if !s.visitor.hooks.Wants(webhook.Subscribe) {
		seek = nil
	}
	s.seek(c, seek)
}

// seek asks about one channel after the other: a client that names many does not take the queue for itself.
func (s *rawSession) seek(c *reactor.Conn, names []string) {
	if len(names) == 0 {
		s.join(c)
		return
	}
	o := &webhook.Occasion{Client: s.server.clients.id(s.number), Channel: names[0]}
	s.visitor.ask(c, webhook.Subscribe, o, func(c *reactor.Conn, verdict webhook.Verdict) {
		if !verdict.Allow {
			s.turnAway(c, &verdict)
			return
		}
		s.seek(c, names[1:])
	})
}

// turnAway closes: a client of this dialect can't be told otherwise.
func (s *rawSession) turnAway(c *reactor.Conn, verdict *webhook.Verdict) {
	if verdict.Failed {
		c.Close(frame.CloseTryAgainLater, verdict.Code)
		return
	}
	c.Close(frame.ClosePolicyViolation, verdict.Code)
}
