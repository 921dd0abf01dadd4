package edge

import (
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/hub"
	"github.com/wsedge/wsedge/reactor"
)

var errPresence = &native.Error{Code: native.CodePermissionDenied, Message: "presence of this channel is not open to this client"}

// seenAs is what others may see of the client; nil: nothing is known of it.
func (s *session) seenAs() *hub.Member {
	if who := s.server.config.who; who != nil {
		return who(s)
	}
	return nil
}

// maySeePresence tells whether the client may ask who is subscribed to a channel.
func (s *session) maySeePresence(_ string, access channel.Access) bool {
	return access == channel.Anyone
}

// appear notes the client among the members of a channel that it is subscribed to from now on. It hears of the others first, so
// that it misses nothing that changes behind its own entry.
func (s *session) appear(c *reactor.Conn, channel *hub.Channel) {
	if notices := channel.Notices(); notices != nil {
		_ = c.Subscribe(notices, formNative) // an error means that the conn is closed, or hears of them already
	}
	channel.Enter(s.number, s.seenAs(), c)
}

// vanish takes the client off the members of a channel that it has left.
func (s *session) vanish(c *reactor.Conn, channel *hub.Channel) {
	channel.Unnotice(c)
	channel.Leave(s.number, c)
}

// presence answers who is subscribed to a channel.
func (s *session) presence(c *reactor.Conn, cmd *native.Command) {
	name := cmd.Channels[0]
	if !s.maySeePresence(name, s.server.hub.Options(name).Presence) {
		s.refuse(c, cmd.ID, name, errPresence)
		return
	}
	s.respond(c, native.AppendPresence(nil, cmd.ID, s.server.hub.Members(name, cmd.Page.After, cmd.Page.Limit)))
}
