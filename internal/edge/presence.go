package edge

import (
	"bytes"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/flight"
	"github.com/wsedge/wsedge/internal/hub"
	"github.com/wsedge/wsedge/reactor"
)

// seenAs is what others may see of a client, by its token or by the backend's word; nil: nothing is known of it.
func seenAs(m *member, v *visitor) *hub.Member {
	switch {
	case m != nil && !m.identity.Anonymous():
		return &hub.Member{User: m.identity.User, Info: m.identity.Info}
	case v != nil && v.user != "":
		return &hub.Member{User: v.user, Info: v.info}
	}
	return nil
}

// appear notes the client among the members of a channel that it is subscribed to from now on. It hears of the others first, so
// that it misses nothing that changes behind its own entry.
func (s *session) appear(c *reactor.Conn, channel *hub.Channel) {
	if notices := channel.Notices(); notices != nil {
		_ = c.SubscribeIn(notices, formNative) // an error means that the conn is closed, or hears of them already
	}
	channel.Enter(s.number, seenAs(s.member, s.guest()), c)
	s.server.noteChannel(s.number, flight.Subscribed, channel.Name())
}

// vanish takes the client off the members of a channel that it has left.
func (s *session) vanish(c *reactor.Conn, channel *hub.Channel) {
	channel.Unnotice(c)
	channel.Leave(s.number, c)
	s.server.noteChannel(s.number, flight.Unsubscribed, channel.Name())
}

// presence answers who is subscribed to a channel.
func (s *session) presence(c *reactor.Conn, cmd *native.Command) {
	name := cmd.Channels[0]
	if denied := s.permit(c, auth.Presence, name); denied != nil {
		s.refuse(c, cmd.ID, name, denied)
		return
	}
	if s.server.exchange == nil {
		s.respond(c, native.AppendPresence(nil, cmd.ID, s.server.hub.Members(name, cmd.Page.After, cmd.Page.Limit)))
		return
	}
	id, page, slot := bytes.Clone(cmd.ID), cmd.Page, s.reserve(c)
	s.server.exchange.Members(name, page.After, page.Limit, func(answers []hub.Answer) {
		c.Post(func(c *reactor.Conn) {
			s.answer(c, slot, func(c *reactor.Conn) { // merged when its turn comes: notices may have gone out meanwhile
				send(c, native.AppendPresence(nil, id, s.server.hub.Merge(name, page.After, page.Limit, answers)))
			})
		})
	})
}
