package edge

import (
	"net/http"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/console"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/reactor"
)

// What a good handshake may still be refused with.
var (
	errForeignHost = &frame.HandshakeError{Status: http.StatusForbidden, Reason: "foreign_host"}
	errNotFound    = &frame.HandshakeError{Status: http.StatusNotFound, Reason: "not_found"}
	errStarting    = &frame.HandshakeError{Status: http.StatusServiceUnavailable, Reason: "starting", Header: "Retry-After: 1\r\n"}
)

// upgrade decides which dialect a client gets, by the path. It runs on the conn's loop.
func (s *Server) upgrade(c *reactor.Conn, r *frame.Request) (reactor.Accept, error) {
	switch {
	case s.reactor == nil:
		return reactor.Accept{}, errStarting
	case string(r.Path) == console.SocketPath: // its Host was looked at on the admin address
		return s.upgradeConsole(c, r)
	case !s.hosts.allow(string(r.Host)):
		return reactor.Accept{}, errForeignHost
	}
	switch string(r.Path) {
	case "/ws":
		m, err := s.knock(r)
		talk := &session{server: s, member: m}
		talk.receive(s.newVisitor(r, native.Subprotocol))
		if wantsTickets(r) {
			talk.takeTickets()
		}
		return reactor.Accept{Subprotocol: chooseSubprotocol(r), Context: talk}, err
	case "/ws/raw":
		names, err := rawChannels(string(r.Query), s.current.Load().ChannelsPerConn)
		if err != nil {
			return reactor.Accept{}, err
		}
		m, err := s.knockRaw(r, names)
		if err != nil {
			return reactor.Accept{}, err
		}
		return reactor.Accept{Context: &rawSession{server: s, names: names, member: m, visitor: s.newVisitor(r, "raw")}}, nil
	default:
		return reactor.Accept{}, errNotFound
	}
}

// chooseSubprotocol chooses the native one if it is offered. A client that offers only others is told by the choice of none
// (RFC 6455, section 4.2.2).
func chooseSubprotocol(r *frame.Request) string {
	for offered := range r.Subprotocols() {
		if offered == native.Subprotocol {
			return native.Subprotocol
		}
	}
	return ""
}
