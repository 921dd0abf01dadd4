package reactor

import (
	"errors"
	"net/http"
	"runtime/debug"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/pool"
)

// partialHead is a request head that has not come whole yet.
type partialHead struct {
	scanner frame.HeadScanner
	buf     *pool.Buffer // owned
}

// handshake reads the request head and answers it. It returns the bytes of in behind the head, to be read as frames, once
// the conn is open.
func (c *Conn) handshake(in []byte) []byte {
	l := c.loop
	if c.flags&flagRefusal != 0 {
		c.refuse(l.srv.refusal(), false)
		return nil
	}
	h := l.heads[c]
	if h == nil {
		var s frame.HeadScanner
		n, err := s.Scan(in, &l.srv.cfg.Head)
		if err == nil && n == 0 {
			h = &partialHead{scanner: s, buf: pool.Get(2 * len(in))}
			_, _ = h.buf.Write(in)
			l.heads[c] = h
			return nil
		}
		return c.answer(in, n, err)
	}
	_, _ = h.buf.Write(in)
	n, err := h.scanner.Scan(h.buf.Bytes(), &l.srv.cfg.Head)
	if err == nil && n == 0 {
		return nil
	}
	delete(l.heads, c)
	rest := c.answer(h.buf.Bytes(), n, err)
	// What is behind the head came with the last read, so it is the tail of in, byte for byte.
	rest = in[len(in)-len(rest):]
	h.buf.Release()
	return rest
}

// answer answers the request whose head is the first n bytes of in, or err if there can be none. It returns what is behind
// the head of an accepted handshake.
func (c *Conn) answer(in []byte, n int, err error) []byte {
	if err != nil {
		c.refuse(asRefusal(err), false)
		return nil
	}
	r := &c.loop.request
	upgrade := false
	if err = r.Parse(in[:n], &c.loop.srv.cfg.Head); err == nil {
		if upgrade = r.WantsUpgrade() && !c.routed(); upgrade {
			err = c.upgrade(r)
		} else {
			err = c.plainHTTP(in)
		}
	}
	if err != nil {
		c.refuse(asRefusal(err), string(r.Method) == http.MethodHead)
	}
	if err != nil || !upgrade {
		return nil
	}
	return in[n:]
}

// routed reports whether Config.HTTP has to see a request for a WebSocket first. What has come by ServeHTTP was seen there.
func (c *Conn) routed() bool {
	return c.loop.srv.cfg.RouteUpgrades && c.loop.original.conn != c
}

// upgrade accepts or refuses a request for a WebSocket (RFC 6455, section 4.2).
func (c *Conn) upgrade(r *frame.Request) error {
	l := c.loop
	key, err := r.CheckUpgrade()
	if err != nil {
		return err
	}
	if !l.srv.originAllowed(r, c.believeForwarded(r)) {
		return &frame.HandshakeError{Status: http.StatusForbidden, Reason: "origin"}
	}
	if l.srv.pressure.Load() == maxPressure {
		return statusPressure // nobody new before those who are here have what is theirs
	}
	a, err := c.callUpgrade(r)
	l.original = original{}
	header, err := l.srv.checkAnswer(&a, err)
	if err != nil {
		return err
	}
	c.context = a.Context
	if l.srv.cfg.Deflate != nil && !a.NoDeflate {
		header += c.negotiateDeflate(r)
	}
	l.cork = frame.AppendSwitchingProtocols(l.cork, key, a.Subprotocol, header)
	c.opened()
	return nil
}

// opened makes the conn a WebSocket.
func (c *Conn) opened() {
	l := c.loop
	c.state = stateOpen
	c.leaveNewcomer()
	l.stats.open.Add(1)
	if interval := l.srv.cfg.PingInterval; interval > 0 {
		c.flags |= flagFirstPing
		l.wheel.set(c, l.wheel.now+1+uint32(l.rng.Int64N(int64(ticks(interval)))))
	} else {
		l.wheel.set(c, l.wheel.now+idleCheckTicks)
	}
	c.callOpen()
}

// callUpgrade asks the embedder. A panic refuses the handshake with 500.
func (c *Conn) callUpgrade(r *frame.Request) (a Accept, err error) {
	s := c.loop.srv
	if s.cfg.Upgrade == nil {
		return Accept{}, nil
	}
	defer func() {
		if p := recover(); p != nil {
			s.counters.panics.Add(1)
			s.cfg.Logger.Error("upgrade hook panicked", "panic", p, "stack", string(debug.Stack()))
			err = errors.New("reactor: upgrade hook panicked")
		}
	}()
	return s.cfg.Upgrade(c, r)
}

// originAllowed decides on the Origin header (RFC 6455, section 10.2). tls is what the client speaks.
func (s *Server) originAllowed(r *frame.Request, tls bool) bool {
	origin, count := r.Origin()
	switch {
	case count == 0 || s.anyOrigin:
		return true
	case count > 1:
		return false
	case s.origins[string(origin)]:
		return true
	}
	return frame.SameOrigin(origin, r.Host, tls)
}

// asRefusal is how a handshake is answered that fails with err.
func asRefusal(err error) *frame.HandshakeError {
	var h *frame.HandshakeError
	if !errors.As(err, &h) {
		h = &frame.HandshakeError{Status: http.StatusInternalServerError, Reason: "internal"}
	}
	return h
}

// refuse answers with an HTTP error and hangs up. Nothing that follows is read as HTTP. The answer to a HEAD has no body
// (RFC 9110, section 9.3.2).
func (c *Conn) refuse(h *frame.HandshakeError, head bool) {
	l := c.loop
	l.srv.counters.refusal(h.Reason)
	c.tellRefusal(h)
	body := h.Reason + "\n"
	b := frame.AppendRejection(nil, h.Status, l.srv.dateLine()+h.Header, body)
	if head {
		b = b[:len(b)-len(body)]
	}
	c.putBytes(b)
	c.state = stateClosing
	c.flags |= flagHangUp
	l.wheel.set(c, l.wheel.now+ticks(l.srv.cfg.CloseTimeout))
}

// dateLine is the header line that every answer has (RFC 9110, section 6.6.1).
func (s *Server) dateLine() string {
	return s.cfg.now().UTC().Format("Date: " + http.TimeFormat + "\r\n")
}

// The refusals that the reactor makes by itself.
var (
	statusFull = &frame.HandshakeError{
		Status: http.StatusServiceUnavailable, Reason: "connection_limit", Header: "Retry-After: 5\r\n"}
	statusPressure = &frame.HandshakeError{
		Status: http.StatusServiceUnavailable, Reason: "memory", Header: "Retry-After: 5\r\n"}
	statusDraining = &frame.HandshakeError{
		Status: http.StatusServiceUnavailable, Reason: "shutting_down", Header: "Retry-After: 1\r\n"}
	statusUpgradeRequired = &frame.HandshakeError{
		Status: http.StatusUpgradeRequired, Reason: "upgrade_required",
		Header: "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"}
	statusTimeout = &frame.HandshakeError{Status: http.StatusRequestTimeout, Reason: "handshake_timeout"}
)
