package edge

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/limit"
	"github.com/wsedge/wsedge/reactor"
)

// What a client may send while its token waits for a key: more than a client that subscribes right behind its handshake does. At most
// 4,096 tokens wait, so that this holds 64 MiB at worst.
const (
	maxHeldMessages = 64
	maxHeldBytes    = 16 << 10
)

// member is who a client is, where the server asks: 192 B a connection, 160 B and its texts for
// the identity, and some 50 B in the maps of the gate.
//
// Owned by the loop, but for what is the gate's.
type member struct {
	conn     *reactor.Conn  // immutable once the conn is open
	identity *auth.Identity // nil: not known yet
	unproven string         // the handshake's token, until the conn is open
	timer    *time.Timer    // until it must have connected, or presented a new token; nil: no such time

	verifying bool // the verdict on a token is owed
	over      bool // the connection is being closed
	seated    bool // it has a place among its user's connections
	held      [][]byte
	heldBytes int

	given   []string             // channels that the API has subscribed the client to; nil mostly
	leaves  []*auth.Subscription // what subscription tokens allow; nil mostly
	denials *strikes             // nil until the first

	// Guarded by the gate's mutex.
	user, token chain
	expires     int64 // Unix time at which it is told
	heapIndex   int   // 1 + place among the expiries; 0: it is in none
}

var (
	errUnauthorized = &native.Error{Code: native.CodeUnauthorized, Message: "connect with a token first"}
	errConnected    = &native.Error{Code: native.CodeBadRequest, Message: "already connected; refresh takes a new token"}
	errOtherUser    = &native.Error{Code: native.CodePermissionDenied, Message: "the token is of another user"}
)

// enter lets the client in, or waits for its token.
func (s *session) enter(c *reactor.Conn) {
	m := s.member
	m.conn = c
	token := m.unproven
	m.unproven = ""
	switch config := s.server.gate.auth.Config(); {
	case m.identity != nil: // known from the handshake
		s.enterConsole(c)
	case token != "":
		s.present(c, nil, token, s.admit)
	case config.Anonymous:
		s.admit(c, nil, &auth.Identity{})
	default:
		m.after(config.ConnectTimeout, func(c *reactor.Conn) {
			if m.identity == nil && !m.verifying {
				s.server.limiter.refusals.Count(limit.ConnectTimeout)
				s.end(c, native.CloseNotInTime, "connect_timeout")
			}
		})
	}
}

// after sets the member's one timer.
func (m *member) after(d time.Duration, do func(*reactor.Conn)) {
	m.stopTimer()
	var t *time.Timer
	t = time.AfterFunc(d, func() {
		m.conn.Post(func(c *reactor.Conn) {
			if m.timer == t { // not stopped while it was on its way
				m.timer = nil
				do(c)
			}
		})
	})
	m.timer = t
}

func (m *member) stopTimer() {
	if m.timer != nil {
		m.timer.Stop()
		m.timer = nil
	}
}

// present has a token verified, and calls then with its identity. A bad one ends the connection. What comes meanwhile is held.
func (s *session) present(c *reactor.Conn, id []byte, token string, then func(*reactor.Conn, []byte, *auth.Identity)) {
	verdict := func(c *reactor.Conn, identity *auth.Identity, err error) {
		switch refused := (*auth.Error)(nil); {
		case err == nil:
			then(c, id, identity)
		case errors.As(err, &refused) && refused.Later && s.member.identity == nil:
			s.end(c, frame.CloseTryAgainLater, keyUnknown)
		case errors.As(err, &refused) && !refused.Later:
			s.end(c, native.CloseBadToken, badTokenReason(refused))
		case s.member.identity != nil:
			s.refuse(c, id, "", errUnavailable)
		default:
			s.end(c, frame.CloseTryAgainLater, native.CodeUnavailable)
		}
	}
	identity, err := s.server.gate.auth.Verify(token, func(identity *auth.Identity, err error) {
		c.Post(func(c *reactor.Conn) { s.resume(c, func() { verdict(c, identity, err) }) })
	})
	if errors.Is(err, auth.ErrPending) {
		s.member.verifying = true
		return
	}
	verdict(c, identity, err)
}

// keyUnknown is the reason where a token's key is not among those that the issuer had when it was asked last, and it can't be asked again
// yet. It may be a new one.
const keyUnknown = "key_unknown"

// badTokenReason tells a client what it can do something about, and whoever tries tokens nothing.
func badTokenReason(refused *auth.Error) string {
	switch refused.Reason {
	case auth.ReasonExpired, auth.ReasonRevoked:
		return "token_" + refused.Reason
	default:
		return "invalid_token"
	}
}

// end closes the conn; what the client has sent meanwhile is not looked at any more.
func (s *session) end(c *reactor.Conn, code frame.CloseCode, reason string) {
	if s.member != nil && s.member.over {
		return
	}
	s.disconnect(c, code, reason)
}

// hold keeps a message for later, if its turn has not come yet, and tells whether it is taken care of.
func (s *session) hold(c *reactor.Conn, payload []byte) bool {
	m := s.member
	if m == nil || !m.verifying {
		return m != nil && m.over
	}
	if m.heldBytes += len(payload); len(m.held) >= maxHeldMessages || m.heldBytes > maxHeldBytes {
		s.end(c, native.CloseRate, native.CodeLimit)
		return true
	}
	m.held = append(m.held, bytes.Clone(payload))
	return true
}

// resume acts on a verdict that was owed, and then on what came meanwhile.
func (s *session) resume(c *reactor.Conn, act func()) {
	m := s.member
	m.verifying = false
	act()
	s.proceed(c) // what waits for a backend came before what was held
	held := m.held
	m.held, m.heldBytes = nil, 0
	for i, payload := range held {
		s.message(c, frame.OpText, payload)
		if m.verifying { // again: the rest goes behind what has been held since
			for _, rest := range held[i+1:] {
				s.hold(c, rest)
			}
			return
		}
	}
}

// connect carries out the command of that name.
func (s *session) connect(c *reactor.Conn, cmd *native.Command) {
	if cmd.Ticket != "" {
		s.connectAgain(c, cmd)
		return
	}
	if cmd.WantsTicket {
		s.takeTickets()
	}
	switch m := s.member; {
	case m == nil:
		s.respond(c, s.welcome(c, cmd.ID))
	case m.identity != nil && cmd.Token == "":
		s.respond(c, s.welcome(c, cmd.ID))
	case cmd.Token == "":
		s.refuse(c, cmd.ID, "", errUnauthorized)
		s.strike(c)
	case !m.identity.Anonymous():
		s.refuse(c, cmd.ID, "", errConnected)
	default:
		s.present(c, bytes.Clone(cmd.ID), cmd.Token, s.admit)
	}
}

// admit makes the client who it is. It is in the gate's books before it is asked for a last time whether the token was revoked: a
// revocation either finds it there, or was before.
func (s *session) admit(c *reactor.Conn, id []byte, identity *auth.Identity) {
	if !s.adopt(c, identity) {
		return
	}
	if !s.member.seat(s.server) {
		s.end(c, s.server.userConnsCode(identity.User), "user_connections")
		return
	}
	s.letIn(c, id, identity.User)
}

// adopt is the part of admit that a refresh has, too. It tells whether the client is still there.
func (s *session) adopt(c *reactor.Conn, identity *auth.Identity) bool {
	m, gate := s.member, s.server.gate
	m.stopTimer()
	m.identity = identity
	gate.enter(m, identity)
	if gate.auth.Revoked(identity.User, identity.TokenID, identity.Issued) {
		s.eject(c, true)
		return false
	}
	return true
}

// refresh carries out the command of that name: the identity is replaced, and channels that it no longer allows are left.
func (s *session) refresh(c *reactor.Conn, cmd *native.Command) {
	if s.member == nil {
		s.respond(c, native.AppendRefreshed(nil, cmd.ID, 0))
		return
	}
	s.present(c, bytes.Clone(cmd.ID), cmd.Token, func(c *reactor.Conn, id []byte, identity *auth.Identity) {
		if identity.User != s.member.identity.User {
			s.refuse(c, id, "", errOtherUser)
			return
		}
		if s.adopt(c, identity) {
			s.respond(c, native.AppendRefreshed(nil, id, s.expiresIn()))
			s.ticketChanged()
			s.reconsider(c, native.CodePermissionDenied)
			s.subscribeServerSide(c, identity.Channels)
		}
	})
}

// expiresIn is how many seconds the client's token is still good, 0 where it has none.
func (s *session) expiresIn() int64 {
	if s.member == nil || s.member.identity.Anonymous() {
		return 0
	}
	return int64(s.member.identity.Expires.Sub(s.server.config.now()) / time.Second)
}

// expire implements expirable. The client's token is given a window in which another may come; a subscription token none.
func (s *session) expire(c *reactor.Conn) {
	m, gate, now := s.member, s.server.gate, s.server.config.now()
	if leaves := slices.DeleteFunc(m.leaves, func(l *auth.Subscription) bool { return !now.Before(l.Expires) }); len(leaves) < len(m.leaves) {
		m.leaves = leaves
		s.reconsider(c, auth.ReasonExpired)
	}
	for _, l := range m.leaves {
		gate.wake(m, l.Expires)
	}
	switch {
	case m.identity.Anonymous():
	case now.Before(m.identity.Expires):
		gate.wake(m, m.identity.Expires)
	case m.timer == nil:
		m.after(gate.auth.Config().RefreshWindow, s.endWindow)
	}
}

// endWindow closes, unless the clock has been set back meanwhile.
func (s *session) endWindow(c *reactor.Conn) {
	if s.server.config.now().Before(s.member.identity.Expires) {
		s.server.gate.wake(s.member, s.member.identity.Expires)
		return
	}
	s.end(c, native.CloseExpired, auth.ReasonExpired)
}

// recheck implements expirable.
func (s *session) recheck(c *reactor.Conn) {
	m, a := s.member, s.server.gate.auth
	m.leaves = slices.DeleteFunc(m.leaves, func(l *auth.Subscription) bool { return a.Revoked(m.identity.User, l.TokenID, l.Issued) })
	s.reconsider(c, auth.ReasonRevoked)
}

// eject implements expirable.
func (s *session) eject(c *reactor.Conn, revoked bool) {
	if revoked {
		s.end(c, native.CloseBadToken, "token_"+auth.ReasonRevoked)
		return
	}
	s.barTickets()
	s.end(c, native.CloseForced, "forced")
}

// leaveGate takes the client out of the gate's books.
func (s *session) leaveGate() {
	if s.member != nil {
		s.member.stopTimer()
		s.member.unseat(s.server)
		s.server.gate.leave(s.member)
	}
}
