package edge

import (
	"slices"

	"github.com/wsedge/wsedge/internal/api"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/webhook"
	"github.com/wsedge/wsedge/reactor"
)

// removedByServer is the reason that a client gets for the end of a subscription that the API has ended.
const removedByServer = "server"

var errPersonal = &native.Error{Code: native.CodePermissionDenied, Message: "the channel is another user's"}

// mayHave tells whether the client may be subscribed to a channel, or read its history, as far as its name says whose it is. Where nobody says who clients are,
// neither tokens nor a backend that is asked, there is nobody to keep out.
func mayHave(m *member, v *visitor, name string) bool {
	owner, personal := channel.PersonalUser(name)
	if !personal || m == nil && (v == nil || !v.hooks.Wants(webhook.Connect)) {
		return true
	}
	return owner != "" && userOf(m, v) == owner
}

// isGiven tells whether the server has subscribed the client to the channel, by its token or by the API: that needs no other permission.
func (m *member) isGiven(name string) bool {
	return m != nil && (slices.Contains(m.given, name) || m.identity != nil && slices.Contains(m.identity.Channels, name))
}

// takeBack forgets that the API has given the client a channel, which it leaves.
func (m *member) takeBack(name string) {
	if m != nil && m.given != nil {
		m.given = slices.DeleteFunc(m.given, func(given string) bool { return given == name })
	}
}

// subscribeServerSide subscribes the client to channels that it has not asked for, whatever its token and the namespaces allow. It hears
// subscribed without an id, or an error; nothing of what it has already.
func (s *session) subscribeServerSide(c *reactor.Conn, names []string) {
	for _, name := range names {
		switch err := s.join(c, nil, name, s.cameFrom(name)); {
		case err == nil:
			s.give(name)
		case err != errAlready:
			s.refuse(c, nil, name, err)
		}
	}
}

// unsubscribeServerSide ends subscriptions, whoever has made them.
func (s *session) unsubscribeServerSide(c *reactor.Conn, names []string) {
	for _, name := range names {
		if s.depart(c, name) {
			s.respond(c, native.AppendLeft(nil, name, removedByServer))
		}
	}
}

// subscribeHere subscribes the target's clients on this node, and unsubscribeHere ends their subscriptions.
func (s *Server) subscribeHere(t api.Target, channels []string) (reached int) {
	return s.postSessions(t, func(s *session, c *reactor.Conn) { s.subscribeServerSide(c, channels) })
}

func (s *Server) unsubscribeHere(t api.Target, channels []string) (reached int) {
	return s.postSessions(t, func(s *session, c *reactor.Conn) { s.unsubscribeServerSide(c, channels) })
}

// postSessions has do run for all sessions of the target, each on its loop, and tells how many conns the target has. For a raw one nothing
// happens: its channels are those of its URL.
func (s *Server) postSessions(t api.Target, do func(*session, *reactor.Conn)) (reached int) {
	for _, c := range s.conns(t) {
		posted := c.Post(func(c *reactor.Conn) {
			if s, ok := c.Context().(*session); ok {
				do(s, c)
			}
		})
		if posted {
			reached++
		}
	}
	return reached
}

// conns are those of the target on this node.
func (s *Server) conns(t api.Target) []*reactor.Conn {
	switch {
	case t.Client != "":
		if c := s.clients.conn(t.Client); c != nil {
			return []*reactor.Conn{c}
		}
		return nil
	case t.User != "":
		return s.userConns(t.User)
	case s.gate != nil:
		return s.gate.conns(s.gate.tokens, t.Token, tokenChain)
	default:
		return nil
	}
}
