package reactor

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wsedge/wsedge/frame"
)

// DialOptions say how Dial connects. The zero value is a safe choice.
type DialOptions struct {
	// Context is the conn's: see Conn.Context.
	Context any
	// Subprotocols are offered, the one liked best first.
	Subprotocols []string
	// Header is sent with the handshake: a token, an Origin. What the handshake itself says cannot be in it.
	Header http.Header
	// TLS is for wss. ServerName is filled in from the URL. Default: the system's authorities.
	TLS *tls.Config
	// NetDial connects; the default is that of net.Dialer. It is how proxies and Unix sockets are reached. A wss URL has TLS on what it returns.
	// Its ctx ends with Dial: nothing that the connection needs later may hang on it.
	NetDial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// DialError says that a server did not accept the handshake. It may have said why.
type DialError struct {
	// Response is what the server answered, with at most 4 KiB of the body, which may be read and need not be closed; nil where it was no HTTP.
	Response *http.Response
	// Err is what is wrong with it: a *frame.HandshakeError, or that of the connection.
	Err error
}

func (e *DialError) Error() string {
	if e.Response != nil {
		return fmt.Sprintf("reactor: dial: the server answered %s: %v", e.Response.Status, e.Err)
	}
	return "reactor: dial: " + e.Err.Error()
}

func (e *DialError) Unwrap() error { return e.Err }

// ErrFull: there are as many connections as Config.MaxConns, or the limit of open files, allows; or as much waits as WorkerOptions.MaxBytes does, so that a
// BlockingHandler cannot be told of one more.
var ErrFull = errors.New("reactor: no room for another connection")

// maxRejection is how much of a rejection's body is read, in bytes.
const maxRejection = 4 << 10

// Dial connects to a WebSocket server, ws:// or wss://, as its client, and gives the connection to one of the server's loops, where it is a Conn like others: with Handler, heartbeats, backpressure,
// topics and Shutdown. Config's limits hold for it, but for MaxFrameRate and MaxControlRate; Upgrade is not asked. What it sends is masked (RFC 6455, section 5.3), so that a publication is encoded once more if
// there are such conns among the subscribers. It offers no compression. A Server without Addr listens nowhere, and is nothing but a client.
//
// It blocks until the handshake is done or ctx is over, and must not be called on a loop: ErrOnLoop. OnOpen has been called when it returns, or, with Config.Blocking, is about to be. The response is the server's; its
// Sec-WebSocket-Protocol is one of Subprotocols, or none.
//
// A connection under TLS is carried by two goroutines with 20 KiB of buffers, and takes three descriptors, as one of ServeHTTP's does.
//
// Errors: ErrClosed where the server does not run, or drains, also where it begins to while Dial is at it; ErrFull; a *DialError where the other side does not accept; those of the network and of ctx. Redirects are not followed. Safe from any goroutine.
func (s *Server) Dial(ctx context.Context, address string, o DialOptions) (*Conn, *http.Response, error) {
	if calledOnLoop() {
		return nil, nil, ErrOnLoop
	}
	asked, err := newInvitation(address, &o)
	if err != nil {
		return nil, nil, err
	}
	if s.draining.Load() || s.ended() || len(s.knownLoops()) == 0 {
		return nil, nil, ErrClosed
	}
	if !s.admit() {
		if s.draining.Load() {
			return nil, nil, ErrClosed
		}
		return nil, nil, ErrFull
	}
	placed := true
	defer func() {
		if placed { // also after a panic of NetDial's
			s.release()
		}
	}()
	conn, response, ahead, err := s.reach(ctx, asked)
	if err != nil {
		return nil, nil, err
	}
	placed = false // it goes with the connection
	c, err := s.takeDialed(conn, &enrollment{input: ahead, dialed: &dialed{context: o.Context}})
	if err != nil {
		return nil, nil, err
	}
	return c, response, nil
}

// reach connects and shakes hands, until ctx is over or the server drains, which does not wait for others' servers.
func (s *Server) reach(ctx context.Context, asked *invitation) (conn net.Conn, response *http.Response, ahead []byte, err error) {
	during, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.dialing, cancel)()
	conn, err = asked.connect(during)
	if err == nil {
		if response, ahead, err = asked.handshake(during, conn, s.cfg.Head.MaxBytes); err != nil {
			_ = conn.Close()
		}
	}
	if err != nil && s.dialing.Err() != nil && ctx.Err() == nil {
		err = ErrClosed
	}
	return conn, response, ahead, err
}

// takeDialed gives a connection whose handshake is done to a loop. It takes ownership of conn and of its place.
func (s *Server) takeDialed(conn net.Conn, e *enrollment) (*Conn, error) {
	socket, err := s.socketOf(conn, e)
	if err == nil {
		err = s.enroll(socket, e)
	}
	b := e.peer.bridge
	switch {
	case err == nil && b != nil:
		b.run()
	case err == nil:
	case b != nil:
		_ = socket.Close()
		b.fail()
	default:
		if socket != nil {
			_ = socket.Close()
		}
		_ = conn.Close()
		s.release()
	}
	if err == nil {
		return e.dialed.conn, e.dialed.err
	}
	if errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) {
		return nil, ErrFull
	}
	return nil, err
}

// invitation is one Dial.
type invitation struct {
	secure             bool
	network            *DialOptions
	addr, host, target string
	serverName         string
	header             string // ready-made lines
	key                []byte
}

// newInvitation reads what Dial was asked for.
func newInvitation(address string, o *DialOptions) (*invitation, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("reactor: dial: %w", err)
	}
	c := &invitation{network: o, secure: u.Scheme == "wss", host: u.Host, target: u.RequestURI(), serverName: u.Hostname()}
	if u.Scheme != "ws" && u.Scheme != "wss" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return nil, errors.New("reactor: dial: want ws:// or wss:// with a host, without user or fragment")
	}
	c.addr = net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), map[bool]string{true: "443", false: "80"}[c.secure]))
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	c.key = frame.NewClientKey(random)
	if c.header, err = headerLines(o.Header); err != nil {
		return nil, fmt.Errorf("reactor: dial: %w", err)
	}
	if len(o.Subprotocols) > 0 {
		if slices.ContainsFunc(o.Subprotocols, func(p string) bool { return !isToken(p) }) {
			return nil, fmt.Errorf("reactor: dial: subprotocols %q: want tokens", o.Subprotocols)
		}
		c.header += "Sec-WebSocket-Protocol: " + strings.Join(o.Subprotocols, ", ") + "\r\n"
	}
	return c, nil
}

// connect connects, and shakes hands by TLS.
func (c *invitation) connect(ctx context.Context) (net.Conn, error) {
	dial := c.network.NetDial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	conn, err := dial(ctx, "tcp", c.addr)
	if err == nil && conn == nil {
		err = errors.New("reactor: dial: NetDial returned neither a connection nor an error")
	}
	if err != nil || !c.secure {
		return conn, err
	}
	config := &tls.Config{}
	if c.network.TLS != nil {
		config = c.network.TLS.Clone()
	}
	config.ServerName = cmp.Or(config.ServerName, c.serverName)
	config.NextProtos = []string{"http/1.1"}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secure, nil
}

// handshake does the opening handshake (RFC 6455, section 4.1). It returns what the server has said behind it already.
func (c *invitation) handshake(ctx context.Context, conn net.Conn, maxHead int) (response *http.Response, ahead []byte, err error) {
	stop := context.AfterFunc(ctx, func() { expire(conn, conn.SetDeadline, time.Unix(1, 0)) })
	defer func() {
		if !stop() || err != nil && ctx.Err() != nil {
			err = ctx.Err()
		} else if err == nil {
			_ = conn.SetDeadline(time.Time{}) // NetDial may have left one
		}
	}()
	if _, err := conn.Write(frame.AppendClientHandshake(nil, c.host, c.target, c.key, c.header)); err != nil {
		return nil, nil, err
	}
	head, ahead, err := readHead(conn, maxHead)
	if err != nil {
		return nil, nil, err
	}
	response, malformed := http.ReadResponse(bufio.NewReader(io.MultiReader(strings.NewReader(string(head)), strings.NewReader(string(ahead)))), nil)
	subprotocol, err := frame.CheckServerHandshake(head, c.key)
	switch {
	case err == nil && malformed != nil:
		err = malformed
	case err == nil && len(subprotocol) > 0 && !slices.Contains(c.network.Subprotocols, string(subprotocol)):
		err = &frame.HandshakeError{Status: response.StatusCode, Reason: "subprotocol"}
	}
	if err == nil {
		response.Body = http.NoBody
		return response, ahead, nil
	}
	if malformed != nil {
		return nil, nil, &DialError{Err: err}
	}
	return nil, nil, &DialError{Response: rejection(head, ahead, conn), Err: err}
}

// rejection is a response with a part of its body.
func rejection(head, ahead []byte, conn net.Conn) *http.Response {
	expire(conn, conn.SetReadDeadline, time.Now().Add(time.Second)) // the body is for people: it is not waited for
	response, err := http.ReadResponse(bufio.NewReader(io.MultiReader(strings.NewReader(string(head)), strings.NewReader(string(ahead)), conn)), nil)
	if err != nil {
		return nil
	}
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxRejection)) // not closed: that would read to its end
	response.Body = io.NopCloser(strings.NewReader(string(body)))
	return response
}

// readHead reads the head of a response, of so many bytes at most, and returns what came behind it, too.
func readHead(conn net.Conn, most int) (head, ahead []byte, err error) {
	var scanner frame.HeadScanner
	limits := frame.HeadLimits{MaxBytes: most, MaxLineBytes: most}
	in := make([]byte, 0, 1024)
	for {
		if len(in) == cap(in) {
			in = slices.Grow(in, len(in))
		}
		n, err := conn.Read(in[len(in):cap(in)])
		in = in[:len(in)+n]
		end, failure := scanner.Scan(in, &limits)
		switch {
		case failure != nil:
			return nil, nil, &DialError{Err: failure}
		case end > 0:
			return in[:end], in[end:], nil
		case err != nil:
			return nil, nil, &DialError{Err: err}
		}
	}
}

// dialed is a connection that this side has opened, on its way into a loop.
type dialed struct {
	context any // immutable

	// Written on the loop, read when the engine has answered.
	conn *Conn
	err  error
}

// openDialed makes a WebSocket of a conn whose handshake is done.
func (c *Conn) openDialed(e *enrollment) {
	l, d := c.loop, e.dialed
	if l.srv.draining.Load() { // postDrain may have passed
		d.err = ErrClosed
		c.gone(nil)
		c.closeSocket()
		return
	}
	d.conn = c
	c.class, c.context = classDialed, d.context
	l.corked = c
	c.opened()
	if w := l.srv.workers; w != nil && !w.knows(c) {
		d.conn, d.err = nil, ErrFull
	}
	l.stats.bytesIn.Add(int64(len(e.input)))
	c.inbound(e.input)
	l.uncork()
}
