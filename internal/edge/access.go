package edge

import (
	"errors"
	"sync/atomic"

	"github.com/wsedge/wsedge/internal/api"
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

// disconnect closes the target's connections to this node, and returns how many there were.
func (s *Server) disconnect(t api.Target) int {
	conns := s.conns(t)
	if t.Client != "" && len(conns) == 0 {
		s.bar(t.Client) // it may be away, with a ticket
	}
	return eject(conns)
}

// userConns are the conns of a user, whether a token or a backend says who they are.
func (s *Server) userConns(user string) []*reactor.Conn {
	conns := s.named.conns(user)
	if s.gate != nil {
		conns = append(conns, s.gate.conns(s.gate.users, user, userChain)...)
	}
	return conns
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
