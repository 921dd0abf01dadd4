package edge

import (
	"errors"
	"sync/atomic"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/reactor"
)

// errNoAuth says that the server runs without authentication.
var errNoAuth = errors.New("edge: no authentication; it can't be turned on without a restart")

// accessTo is who may do action in channels with these options.
func accessTo(o *channel.Options, action auth.Action) channel.Access {
	switch action {
	case auth.Subscribe:
		return o.Subscribe
	case auth.Publish:
		return o.Publish
	case auth.Presence:
		return o.Presence
	case auth.History:
		return o.History
	default:
		return channel.Nobody
	}
}

// denials counts what was not permitted. Safe from any goroutine.
type denials struct{ subscribe, publish, presence, history atomic.Int64 }

func (d *denials) of(action auth.Action) *atomic.Int64 {
	switch action {
	case auth.Publish:
		return &d.publish
	case auth.Presence:
		return &d.presence
	case auth.History:
		return &d.history
	default:
		return &d.subscribe
	}
}

func (d *denials) count(action auth.Action) { d.of(action).Add(1) }

func (d *denials) byReason() map[string]int64 {
	return map[string]int64{
		"subscribe": d.subscribe.Load(), "publish": d.publish.Load(), "presence": d.presence.Load(), "history": d.history.Load(),
	}
}

// DisconnectUser closes the user's connections to this node, and returns how many there were. Safe from any goroutine.
func (s *Server) DisconnectUser(user string) int {
	return eject(s.userConns(user), false)
}

// userConns are the conns of a user, whether a token or a backend says who they are.
func (s *Server) userConns(user string) []*reactor.Conn {
	conns := s.named.conns(user)
	if s.gate != nil {
		conns = append(conns, s.gate.conns(s.gate.users, user, userChain)...)
	}
	return conns
}

// DisconnectToken closes the connections made with the token of that id ("jti").
func (s *Server) DisconnectToken(id string) int {
	if s.gate == nil {
		return 0
	}
	return eject(s.gate.conns(s.gate.tokens, id, tokenChain), false)
}

// DisconnectClient closes the connection of a client's id, and returns 1, or 0 where there is none.
func (s *Server) DisconnectClient(id string) int {
	c := s.clients.conn(id)
	if c == nil {
		s.tickets.barred.add(id, s.config.now()) // it may be away, or on another node
		return 0
	}
	return eject([]*reactor.Conn{c}, false)
}

// RevokeUser refuses the user's tokens issued so far, closes the connections made with them, and returns how many there were. It is in force
// for those to come before it looks for those that are there. auth.ErrFull: nothing was revoked.
func (s *Server) RevokeUser(user string) (int, error) {
	if s.gate == nil {
		return 0, errNoAuth
	}
	if err := s.gate.auth.RevokeUser(user); err != nil {
		return 0, err
	}
	s.gate.recheck()
	return eject(s.gate.conns(s.gate.users, user, userChain), true), nil
}

// RevokeToken does the same with the tokens of that id, those for subscriptions included.
func (s *Server) RevokeToken(id string) (int, error) {
	if s.gate == nil {
		return 0, errNoAuth
	}
	if err := s.gate.auth.RevokeToken(id); err != nil {
		return 0, err
	}
	s.gate.recheck()
	return eject(s.gate.conns(s.gate.tokens, id, tokenChain), true), nil
}

// ReloadAuth replaces the keys, the API keys and the rules for tokens. Those who are connected stay. Where the server runs without
// authentication, or the new configuration is not good, it returns an error and nothing has changed.
func (s *Server) ReloadAuth(cfg auth.Config) error {
	if s.gate == nil {
		return errNoAuth
	}
	err := s.gate.auth.Reload(cfg)
	s.console.Recheck()
	return err
}

// Reconsider has all clients leave the channels that they may not be subscribed to any more, once namespaces have been replaced. Those of
// /ws/raw, who can't be told, are closed.
func (s *Server) Reconsider() {
	for _, c := range s.clients.all() {
		c.Post(func(c *reactor.Conn) {
			switch talk := c.Context().(type) {
			case *session:
				if talk.member == nil || talk.member.identity != nil {
					talk.reconsider(c, "permission_denied")
				}
			case *rawSession:
				talk.reconsider(c)
			}
		})
	}
}
