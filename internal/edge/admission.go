package edge

import (
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/limit"
	"github.com/wsedge/wsedge/reactor"
)

// addressRefusal: the address has as many connections as it may have. When it has fewer nobody knows.
var addressRefusal = &frame.HandshakeError{
	Status: http.StatusTooManyRequests, Reason: "address_connections", Header: "Retry-After: 5\r\n"}

// nodeRefusal: the node has had as many handshakes as it may.
var nodeRefusal = &frame.HandshakeError{
	Status: http.StatusServiceUnavailable, Reason: "node_accept_rate", Header: "Retry-After: 1\r\n"}

// admit decides on a handshake within the limits of the client's address: the rate before upgrade does any work, the place
// after it, so that only who is let in has one. The place is given back by leave. It runs on the conn's loop.
func (s *Server) admit(c *reactor.Conn, r *frame.Request) (reactor.Accept, error) {
	address := c.RemoteAddr()
	if err := s.limiter.knock(address); err != nil {
		return reactor.Accept{}, err
	}
	accept, err := s.upgrade(c, r)
	if err == nil && !s.limiter.enter(address) {
		err = addressRefusal
	}
	return accept, err
}

// knock counts a handshake against the rate of its address, and then against that of the node: who is refused for the one does not use the
// other up.
func (m *limiter) knock(address net.Addr) error {
	if err := m.knockAddress(address); err != nil {
		return err
	}
	if rate := m.limits().NodeAcceptRate; rate > 0 {
		if _, ok := m.node.Take(nodeKey, limit.PerSecond(rate, rateSeconds), m.clock()); !ok {
			return nodeRefusal
		}
	}
	return nil
}

func (m *limiter) knockAddress(address net.Addr) error {
	rate := m.limits().AcceptRate
	key, ok := keyOf(address)
	if rate == 0 || !ok {
		return nil
	}
	wait, ok := m.accepts.Take(key, limit.PerSecond(rate, rateSeconds), m.clock())
	if ok {
		return nil
	}
	return &frame.HandshakeError{
		Status: http.StatusTooManyRequests, Reason: "accept_rate", Header: fmt.Sprintf("Retry-After: %d\r\n", seconds(wait))}
}

// enter takes one of the places that an address has, if one is free.
func (m *limiter) enter(address net.Addr) bool {
	most := m.limits().ConnsPerAddress
	key, ok := keyOf(address)
	return most == 0 || !ok || m.addresses.Take(key, most-m.addressesElsewhere.of(key))
}

// leave gives it back.
func (m *limiter) leave(address net.Addr) {
	if m.limits().ConnsPerAddress == 0 {
		return
	}
	if key, ok := keyOf(address); ok {
		m.addresses.Give(key)
	}
}

// userConn takes one of the places that a user has for connections, and tells whether one was free. It is given back, once, by
// userGone.
func (s *Server) userConn(user string) bool {
	most := s.limiter.limits().ConnsPerUser
	key := s.limiter.nameKey(user)
	if most == 0 || s.limiter.users.Take(key, most-s.limiter.usersElsewhere.of(key)) {
		return true
	}
	s.limiter.refusals.Count(limit.UserConns)
	return false
}

// userConnsCode closes a client for which userConn had no place. It is final where all the others are here. What users have at other nodes is what those have told last: they may
// have gone a moment ago, with their node, and it is them who come back.
func (s *Server) userConnsCode(user string) frame.CloseCode {
	if s.limiter.users.Of(s.limiter.nameKey(user)) < s.limiter.limits().ConnsPerUser {
		return frame.CloseTryAgainLater
	}
	return native.CloseConnLimit
}

// userGone gives back what userConn has taken.
func (s *Server) userGone(user string) {
	if s.limiter.limits().ConnsPerUser > 0 {
		s.limiter.users.Give(s.limiter.nameKey(user))
	}
}

// seat takes a place for the member's user, and tells whether one was free. Who is anonymous needs none.
func (m *member) seat(s *Server) bool {
	user := m.identity.User
	m.seated = user != "" && s.userConn(user)
	return m.seated || user == ""
}

// unseat gives it back.
func (m *member) unseat(s *Server) {
	if m.seated {
		m.seated = false
		s.userGone(m.identity.User)
	}
}

// keyOf is whom an address's limits are for; none for a peer on a Unix socket, of whom only the file's mode is known.
func keyOf(address net.Addr) (key limit.Key, ok bool) {
	tcp, ok := address.(*net.TCPAddr)
	if !ok {
		return key, false
	}
	ip := tcp.AddrPort().Addr()
	return limit.AddressKey(ip), ip.IsValid()
}

// seconds rounds up, as Retry-After wants it, and never to 0.
func seconds(d time.Duration) int { return max(1, int((d+time.Second-1)/time.Second)) }
