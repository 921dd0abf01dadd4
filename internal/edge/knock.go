package edge

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/webhook"
	"github.com/wsedge/wsedge/reactor"
)

const challenge = "WWW-Authenticate: Bearer\r\n"

// What a handshake is refused with for its token. A client of /ws hears of a bad one behind the handshake instead, because browsers don't
// tell a page why a handshake failed.
var (
	errTwoTokens    = &frame.HandshakeError{Status: http.StatusBadRequest, Reason: "two_tokens"}
	errNoToken      = &frame.HandshakeError{Status: http.StatusUnauthorized, Reason: "unauthorized", Header: challenge}
	errInvalidToken = &frame.HandshakeError{Status: http.StatusUnauthorized, Reason: "invalid_token", Header: challenge}
	errForbidden    = &frame.HandshakeError{Status: http.StatusForbidden, Reason: "permission_denied"}
	errKeyUnknown   = &frame.HandshakeError{Status: http.StatusServiceUnavailable, Reason: keyUnknown, Header: "Retry-After: 5\r\n"}
	errKeysMissing  = &frame.HandshakeError{Status: http.StatusServiceUnavailable, Reason: "unavailable", Header: "Retry-After: 1\r\n"}
)

// knock makes the member of a client of /ws, nil without authentication. Its token is looked at when the conn is open.
func (s *Server) knock(r *frame.Request) (*member, error) {
	if s.gate == nil {
		return nil, nil
	}
	token, err := tokenOf(r)
	if err != nil {
		return nil, err
	}
	return &member{unproven: token}, nil
}

// knockRaw makes the member of a client of /ws/raw, who must be allowed to subscribe to all channels before there is a WebSocket, unless a
// backend is to be asked about the client first.
func (s *Server) knockRaw(r *frame.Request, names []string) (*member, error) {
	var identity *auth.Identity // without authentication: anonymous
	if s.gate != nil {
		token, err := tokenOf(r)
		if err != nil {
			return nil, err
		}
		if identity, err = s.gate.identify(token); err != nil {
			return nil, err
		}
	}
	if s.hooks.Wants(webhook.Connect) {
		names = nil // the backend may give them, and may say who the client is: it is judged behind its word
	}
	user := &member{identity: identity}
	for _, name := range names {
		if s.gate != nil && !mayHave(user, nil, name) || !identity.Allows(auth.Subscribe, name, accessTo(s.hub.Options(name), auth.Subscribe)) {
			s.denied.count(auth.Subscribe)
			return nil, errForbidden
		}
	}
	if s.gate == nil {
		return nil, nil
	}
	return &member{identity: identity}, nil
}

// identify tells who has the token, while there is still a status to answer with.
func (g *gate) identify(token string) (*auth.Identity, error) {
	if token == "" {
		if g.auth.Config().Anonymous {
			return &auth.Identity{}, nil
		}
		return nil, errNoToken
	}
	identity, err := g.auth.VerifyNow(token)
	switch refused := (*auth.Error)(nil); {
	case errors.As(err, &refused) && refused.Later:
		return nil, errKeyUnknown
	case errors.Is(err, auth.ErrUnavailable):
		return nil, errKeysMissing
	case err != nil:
		return nil, errInvalidToken
	}
	return identity, nil
}

// tokenOf finds the token of a handshake: ?token= or Authorization: Bearer, and not both (RFC 6750, section 2). "" is none. Nothing
// else in a handshake says who a client is.
func tokenOf(r *frame.Request) (token string, err error) {
	if bytes.Contains(r.Query, []byte("token")) || bytes.IndexByte(r.Query, '%') >= 0 {
		query, err := url.ParseQuery(string(r.Query))
		if err != nil {
			return "", &frame.HandshakeError{Status: http.StatusBadRequest, Reason: "bad_query"}
		}
		if len(query["token"]) > 1 {
			return "", errTwoTokens
		}
		token = query.Get("token")
	}
	for value := range r.Values("Authorization") {
		scheme, credentials, _ := bytes.Cut(value, []byte(" "))
		if !bytes.EqualFold(scheme, []byte("Bearer")) {
			continue
		}
		if token != "" {
			return "", errTwoTokens
		}
		if token = string(bytes.TrimSpace(credentials)); token == "" {
			return "", errInvalidToken
		}
	}
	return token, nil
}

// enter puts the client into the gate's books. A token that was revoked since the handshake does not count.
func (s *rawSession) enter(c *reactor.Conn) bool {
	m, gate := s.member, s.server.gate
	m.conn = c
	gate.enter(m, m.identity)
	if gate.auth.Revoked(m.identity.User, m.identity.TokenID, m.identity.Issued) {
		s.eject(c, true)
		return false
	}
	if !m.seat(s.server) {
		c.Close(frame.CloseTryAgainLater, "user_connections")
		return false
	}
	return true
}

// expire implements expirable. There is no message to refresh with, and so no window.
func (s *rawSession) expire(c *reactor.Conn) {
	if s.server.config.now().Before(s.member.identity.Expires) {
		s.server.gate.wake(s.member, s.member.identity.Expires)
		return
	}
	c.Close(frame.ClosePolicyViolation, auth.ReasonExpired)
}

// recheck implements expirable. There are no subscription tokens here.
func (s *rawSession) recheck(*reactor.Conn) {}

// eject implements expirable.
func (s *rawSession) eject(c *reactor.Conn, revoked bool) {
	if revoked {
		c.Close(frame.ClosePolicyViolation, auth.ReasonRevoked)
		return
	}
	c.Close(frame.ClosePolicyViolation, "forced")
}

// reconsider closes the conn if its client may not be subscribed to one of its channels any more.
func (s *rawSession) reconsider(c *reactor.Conn) {
	names := make([]string, 0, len(s.joined))
	for _, channel := range s.joined {
		names = append(names, channel.Name())
	}
	s.remain(c, names)
}

// remain closes the conn if its client may not be subscribed to one of the channels, and tells whether it stays.
func (s *rawSession) remain(c *reactor.Conn, names []string) bool {
	for _, name := range names {
		allowed := s.visitor.isGiven(name) || mayDo(s.member, s.visitor, auth.Subscribe, name, accessTo(s.server.hub.Options(name), auth.Subscribe))
		if !allowed || !mayHave(s.member, s.visitor, name) {
			s.server.denied.count(auth.Subscribe)
			c.Close(frame.ClosePolicyViolation, "permission_denied")
			return false
		}
	}
	return true
}
