package reactor

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"

	"github.com/panjf2000/gnet/v2"

	"github.com/wsedge/wsedge/tlsloop"
)

// enrollment is a connection on its way from net/http into a loop.
type enrollment struct {
	// Immutable once it has been given to the engine.
	request   *http.Request
	session   *tlsloop.Session // of a connection under TLS that had left its loop; nil: no TLS, or none of ours
	announced net.Addr         // whom the loop took for the peer when it handed the connection over; nil: it did not
	input     []byte           // the rebuilt head of the request, and what has been read behind it; owned by the loop in the end
	peer      peer
	dialed    *dialed // the other side is the server, and has answered the handshake; nil: it is a client

	// Written on the loop, read when the engine has answered.
	taken bool
}

// peer is who is at the other end where the engine does not know it.
type peer struct {
	addr   net.Addr
	bridge *bridge // nil: the socket is the peer's own
}

// original is the request of the conn whose handshake came by net/http, until the Upgrade hook has seen it.
type original struct {
	conn    *Conn
	request *http.Request
}

// enrolling keeps the engine from being stopped while it takes a connection over: it would keep a goroutine and a descriptor
// for ever.
type enrolling struct {
	mu     sync.RWMutex // held for reading while a connection is taken over
	closed bool
}

// close waits until all that was given to the engine has been taken over. Nothing is from then on.
func (e *enrolling) close() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
}

// errNotTaken: the engine could not poll the socket.
var errNotTaken = errors.New("reactor: the engine did not take the connection")

// enroll gives socket to the next loop and returns when the loop has answered the request. The engine goes on with a duplicate
// and closes socket. The place of the connection is the loop's from then on. After an error both are the caller's still.
func (s *Server) enroll(socket net.Conn, e *enrollment) error {
	s.enrolling.mu.RLock()
	defer s.enrolling.mu.RUnlock()
	loops := s.knownLoops()
	if s.enrolling.closed || s.ended() || len(loops) == 0 {
		return ErrClosed
	}
	l := loops[int(s.nextLoop.Add(1))%len(loops)]
	result, err := l.el.Enroll(gnet.NewContext(context.Background(), e), socket)
	if err != nil {
		return err
	}
	select {
	case r := <-result:
		err = r.Err
	case <-s.done: // not asked for: all loops have ended
		err = ErrEngineStopped
	}
	if e.taken {
		return nil
	}
	if err == nil {
		err = errNotTaken
	}
	return err
}

// ended reports whether all loops have.
func (s *Server) ended() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// newEnrolled begins the life of a connection on the loop that net/http has read a request from.
func (l *loop) newEnrolled(raw gnet.Conn, e *enrollment) *Conn {
	e.taken = true
	raw.SetSafeContext(nil) // it would keep the request as long as the connection
	c := newConn(l, raw)
	raw.SetContext(c)
	if e.session != nil {
		c.sealAgain(e.session)
	}
	if e.announced != nil && e.announced.String() != raw.RemoteAddr().String() {
		c.announced(e.announced)
	}
	if e.peer != (peer{}) {
		l.peers[c] = e.peer
	}
	return c
}

// openEnrolled answers the request as if it had just come: there is one handshake.
func (l *loop) openEnrolled(c *Conn, e *enrollment) {
	l.enter()
	defer l.exit()
	limitUnsent(int(c.fd))
	l.wheel.set(c, l.wheel.now+ticks(l.srv.cfg.HandshakeTimeout))
	if e.dialed != nil { // first: a server is not refused by HTTP
		c.openDialed(e)
		return
	}
	if l.srv.draining.Load() { // postDrain may have passed
		c.refuse(statusDraining, false)
		return
	}
	l.original = original{c, e.request}
	defer func() { l.original = original{} }()
	l.stats.bytesIn.Add(int64(len(e.input)))
	l.corked = c
	c.inbound(e.input) // plaintext, also of a conn under TLS
	if c.flags&flagSealed != 0 && c.state < stateHandedOver {
		c.unseal(nil) // the session may have ended meanwhile, or hold a part of a record
	}
	l.uncork()
	c.flushCipher()
}

// Request returns the request that net/http has read for a conn that came by Server.ServeHTTP, with all that middleware has put
// into its context. It is there during Config.Upgrade only, and not the conn's to keep: nil afterwards, and for the conns of
// the server's own listener where Config.RouteUpgrades is not set.
func (c *Conn) Request() *http.Request {
	c.loop.check()
	if c.loop.original.conn != c {
		return nil
	}
	return c.loop.original.request
}

// overTLS reports whether the peer's request came over TLS.
func (c *Conn) overTLS() bool {
	if c.flags&flagSealed != 0 {
		return true
	}
	r := c.Request()
	return r != nil && r.TLS != nil
}

// peerAddr is the address of the peer, while the socket is open.
func (c *Conn) peerAddr() net.Addr {
	if c.more != nil && c.more.announced != nil {
		return c.more.announced
	}
	if p, ok := c.loop.peers[c]; ok {
		return p.addr
	}
	return c.raw.RemoteAddr()
}

// isBridged reports whether goroutines carry the conn's bytes.
func (c *Conn) isBridged() bool { return c.loop.peers[c].bridge != nil }
