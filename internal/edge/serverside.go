package edge

import (
	"github.com/wsedge/wsedge/internal/api"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/reactor"
)

// removedByServer is the reason that a client gets for the end of a subscription that the API has ended.
const removedByServer = "server"

var errPersonal = &native.Error{Code: native.CodePermissionDenied, Message: "the channel is another user's"}

// mayHave tells whether the client may be subscribed to a channel as far as its name says whose it is. Where there are no users, as in
// development mode, there is nobody to keep out.
func (s *session) mayHave(name string) bool {
	owner, personal := channel.PersonalUser(name)
	if !personal || s.server.config.who == nil {
		return true
	}
	who := s.seenAs()
	return who != nil && who.User != "" && who.User == owner
}

// subscribeServerSide subscribes the client to channels that it has not asked for. It hears subscribed without an id, or an error;
// nothing of what it has already.
func (s *session) subscribeServerSide(c *reactor.Conn, names []string) {
	for _, name := range names {
		if err := s.subscribe(c, nil, name, nil); err != nil && err != errAlready {
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

// Subscribe implements api.Clients.
func (s *Server) Subscribe(t api.Target, channels []string) (reached int) {
	return s.postSessions(t, func(s *session, c *reactor.Conn) { s.subscribeServerSide(c, channels) })
}

// Unsubscribe implements api.Clients.
func (s *Server) Unsubscribe(t api.Target, channels []string) (reached int) {
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
	if t.Client != "" {
		if c := s.clients.conn(t.Client); c != nil {
			return []*reactor.Conn{c}
		}
		return nil
	}
	if s.config.connsOf == nil {
		return nil
	}
	return s.config.connsOf(t.User)
}
