package edge

import (
	"slices"
	"sync"

	"github.com/wsedge/wsedge/internal/webhook"
	"github.com/wsedge/wsedge/reactor"
)

// granted is what a backend has said of a client beyond that it may come in: whom it has named, where no token does, and the channels that
// the client was given, where there is no member to keep them. It exists where there is any of that.
//
// Owned by the loop, but for what is the namedUsers'.
type granted struct {
	conn     *reactor.Conn
	user     string   // "": nobody was named
	channels []string // given by the backend or by the API
	seated   bool     // it has a place among its user's connections

	// Guarded by namedUsers.mu.
	prev, next *granted
}

// namedUsers finds the conns of users whom only a backend has named; those with a token are in the gate's books. Safe from any goroutine.
type namedUsers struct {
	mu    sync.Mutex
	first map[string]*granted // of each user
}

func (n *namedUsers) enter(g *granted) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.first == nil {
		n.first = make(map[string]*granted)
	}
	if g.next = n.first[g.user]; g.next != nil {
		g.next.prev = g
	}
	n.first[g.user] = g
}

func (n *namedUsers) leave(g *granted) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if g.next != nil {
		g.next.prev = g.prev
	}
	switch {
	case g.prev != nil:
		g.prev.next = g.next
	case g.next != nil:
		n.first[g.user] = g.next
	default:
		delete(n.first, g.user)
	}
	g.prev, g.next = nil, nil
}

// conns are those of a user.
func (n *namedUsers) conns(user string) (list []*reactor.Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for g := n.first[user]; g != nil; g = g.next {
		list = append(list, g.conn)
	}
	return list
}

// name has the client be whom the backend has named, if it is nobody yet, because a token says better who it is. It tells whether the user
// had a place for one more connection.
func (s *Server) name(c *reactor.Conn, v *visitor, verdict *webhook.Verdict) bool {
	if v.user != "" || verdict.User == "" {
		return true
	}
	if !s.userConn(verdict.User) {
		return false
	}
	g := v.grants()
	v.user = verdict.User
	g.conn, g.user, g.seated = c, verdict.User, true
	s.named.enter(g)
	return true
}

// unname has the client be nobody again: it has gone, or its token says who it is.
func (s *Server) unname(v *visitor) {
	if v == nil || v.granted == nil || v.granted.user == "" {
		return
	}
	g := v.granted
	s.named.leave(g)
	if g.seated {
		s.userGone(g.user)
	}
	v.user, g.user, g.seated = "", "", false
}

// grants is what the backend has granted, made if need be.
func (v *visitor) grants() *granted {
	if v.granted == nil {
		v.granted = &granted{}
	}
	return v.granted
}

// isGiven tells whether the client was given the channel: that needs no other permission.
func (v *visitor) isGiven(name string) bool {
	return v != nil && v.granted != nil && slices.Contains(v.granted.channels, name)
}

// takeBack forgets that it was.
func (v *visitor) takeBack(name string) {
	if v != nil && v.granted != nil {
		v.granted.channels = slices.DeleteFunc(v.granted.channels, func(given string) bool { return given == name })
	}
}

// user is who the client is, by its token or by the backend's word; "" for nobody.
func (s *session) user() string { return userOf(s.member, s.guest()) }

// userOf is who a client is, in either dialect: a token says better than a backend.
func userOf(m *member, v *visitor) string {
	if m != nil && m.identity != nil && m.identity.User != "" {
		return m.identity.User
	}
	if v != nil {
		return v.user
	}
	return ""
}

// isGiven tells whether the client was given the channel, by its token, the backend, or the API: that needs no other permission.
func (s *session) isGiven(name string) bool { return s.member.isGiven(name) || s.guest().isGiven(name) }

// give notes that it was.
func (s *session) give(name string) {
	switch v := s.guest(); {
	case s.isGiven(name):
	case s.member != nil:
		s.member.given = append(s.member.given, name)
	case v != nil:
		g := v.grants()
		g.channels = append(g.channels, name)
	}
}
