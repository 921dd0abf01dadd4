package reactor

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wsedge/wsedge/frame"
)

// httpSide serves connections that ask for no WebSocket, with net/http, on goroutines as usual. It is the net.Listener of
// an http.Server: what the loops hand over is what it accepts.
type httpSide struct {
	// Immutable after newHTTPSide.
	srv    *Server
	server *http.Server
	conns  chan net.Conn
	closed chan struct{}

	once sync.Once // closes closed
}

// httpIdleTimeout ends a keep-alive connection without requests.
const httpIdleTimeout = 60 * time.Second

func newHTTPSide(s *Server) *httpSide {
	h := &httpSide{srv: s, conns: make(chan net.Conn), closed: make(chan struct{})}
	h.server = &http.Server{
		Handler:           s.cfg.HTTP,
		ReadHeaderTimeout: s.cfg.HandshakeTimeout,
		MaxHeaderBytes:    cmp.Or(s.cfg.Head.MaxBytes, frame.DefaultHeadMaxBytes),
		IdleTimeout:       httpIdleTimeout,
		ConnContext:       func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, ownConnKey{}, c) },
		ErrorLog:          slog.NewLogLogger(s.cfg.Logger.Handler(), slog.LevelDebug),
	}
	if s.tls != nil {
		h.server.Handler = describeTLS(h.server.Handler)
	}
	if !s.cfg.TrustedProxies.nobody() {
		h.server.Handler = s.describeClient(h.server.Handler)
	}
	go func() { _ = h.server.Serve(h) }() // ends with http.ErrServerClosed
	return h
}

// describeTLS fills in Request.TLS, which net/http leaves empty for connections that are not its own kind.
func describeTLS(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if handed, ok := r.Context().Value(ownConnKey{}).(*httpConn); ok {
			if sealed, ok := handed.Conn.(*sealedConn); ok {
				r.TLS = sealed.state()
			}
		}
		next.ServeHTTP(w, r)
	})
}

// plainHTTP hands the connection over to net/http, with in, the bytes read so far, which it copies. An error is how the
// request is to be refused.
func (c *Conn) plainHTTP(in []byte) error {
	h := c.loop.srv.http
	if h == nil || c.loop.original.conn == c { // else it would come back, and go on so for ever
		return statusUpgradeRequired
	}
	conn, err := duplicate(int(c.fd))
	if err != nil {
		c.loop.srv.cfg.Logger.Error("cannot hand a connection over to HTTP", "error", err)
		return err
	}
	c.loop.srv.httpConns.Add(1)
	handed := &httpConn{Conn: conn, srv: c.loop.srv, ahead: append([]byte(nil), in...), from: c.peerAddr()}
	if c.more != nil {
		handed.announced = c.more.announced
	}
	if c.flags&flagSealed != 0 {
		sealed := c.unsealed(conn)
		sealed.ended = sealed.session.Advance(nil) // what came with the request may have been its end
		handed.Conn = sealed
	}
	handed.newcomer = c.flags&flagNewcomer != 0
	c.flags &^= flagNewcomer // net/http's from here on
	c.state = stateHandedOver
	c.loop.wheel.remove(c)
	c.closeSocket() // the duplicate keeps the connection
	go h.offer(handed)
	return nil
}

// duplicate makes a net.Conn of the connection behind fd, which stays open.
func duplicate(fd int) (net.Conn, error) {
	dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	f := os.NewFile(uintptr(dup), "http")
	defer f.Close() // FileConn has its own duplicate
	return net.FileConn(f)
}

// offer gives the connection to the HTTP server, or closes it if that has ended.
func (h *httpSide) offer(c net.Conn) {
	select {
	case h.conns <- c:
	case <-h.closed:
		_ = c.Close()
	}
}

// Accept is for the http.Server.
func (h *httpSide) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

// Close is for the http.Server.
func (h *httpSide) Close() error {
	h.once.Do(func() { close(h.closed) })
	return nil
}

// Addr is for the http.Server.
func (h *httpSide) Addr() net.Addr { return h.srv.addr }

// shutdown lets requests in flight finish and closes idle connections.
func (h *httpSide) shutdown(ctx context.Context) {
	if err := h.server.Shutdown(ctx); err != nil && !errors.Is(err, context.Canceled) {
		h.srv.cfg.Logger.Warn("HTTP requests were cut off", "error", err)
	}
}

// close ends what is left.
func (h *httpSide) close() {
	_ = h.server.Close()
	_ = h.Close()
}

// httpConn is a connection that net/http serves: the bytes that the loop has read come first.
type httpConn struct {
	net.Conn
	srv   *Server
	ahead []byte
	once  sync.Once

	from      net.Addr // the address of the Conn that it was: the duplicate knows none if the peer has reset the connection meanwhile
	announced net.Addr // if that is what a proxy has announced; else nil
	newcomer  bool     // Config.Newcomers counts it
}

// leave says that net/http has the connection no more.
func (c *httpConn) leave() {
	c.srv.httpConns.Add(-1)
	if c.newcomer {
		c.srv.cfg.Newcomers.Leave(c.RemoteAddr())
	}
}

// RemoteAddr is the one that a proxy has announced, if it has.
func (c *httpConn) RemoteAddr() net.Addr { return c.from }

// CloseWrite is what net/http looks for where it ends a connection of which it has not read all.
func (c *httpConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

func (c *httpConn) Read(p []byte) (int, error) {
	if len(c.ahead) > 0 {
		n := copy(p, c.ahead)
		c.ahead = c.ahead[n:]
		return n, nil
	}
	c.ahead = nil
	return c.Conn.Read(p)
}

func (c *httpConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() {
		c.leave()
		c.srv.release()
	})
	return err
}

// ownConnKey is the key under which the context of a request has the httpConn that it came over.
type ownConnKey struct{}

// takeBack ends net/http's part in the connection, which nobody reads from any more. The caller gets its place, its socket, and
// what the loop had read and net/http had not.
func (c *httpConn) takeBack() (socket net.Conn, ahead []byte) {
	c.once.Do(c.leave)
	return c.Conn, c.ahead
}
