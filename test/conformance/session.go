package conformance

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// patience bounds what must come. A server that passes never makes a case wait for it.
const patience = 60 * time.Second

// Mode is how a case writes.
type Mode int

// The write modes.
const (
	AsIs Mode = iota
	ByteByByte
	Joined
)

// Modes are all of them.
var Modes = []Mode{AsIs, ByteByByte, Joined}

func (m Mode) String() string { return [...]string{"as is", "byte by byte", "joined"}[m] }

// Target is the server that is judged.
type Target struct {
	Address string // host:port
	Path    string
	// TLS is for wss, the server's name included; nil: ws.
	TLS *tls.Config
	// Patience bounds what must come. 0: a minute.
	Patience time.Duration
}

func (t Target) patience() time.Duration {
	if t.Patience == 0 {
		return patience
	}
	return t.Patience
}

// ParseTarget reads ws://host:port/path, or wss for a server whose certificate is not judged.
func ParseTarget(raw string) (Target, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "ws" && u.Scheme != "wss" || u.Port() == "" {
		return Target{}, fmt.Errorf("%q: want ws://host:port/path, or wss", raw)
	}
	t := Target{Address: u.Host, Path: u.RequestURI()}
	if u.Scheme == "wss" {
		t.TLS = &tls.Config{InsecureSkipVerify: true} // the protocol is what is judged
	}
	return t, nil
}

// session is one connection of a case.
type session struct {
	conn     net.Conn
	mode     Mode
	patience time.Duration
	sparse   bool // of byte by byte: only the edges of what is large
	events   chan event
	end      error  // io.EOF: in order. Set before events is closed
	held     []byte // of joined: what has been said since the last wait
	answer   string // the extensions of the handshake
}

const handshakeKey = "dGhlIHNhbXBsZSBub25jZQ=="

// open connects and shakes hands; offer is a value for Sec-WebSocket-Extensions, or "".
func open(target Target, mode Mode, offer string) (*session, error) {
	conn, err := net.DialTimeout("tcp", target.Address, target.patience())
	if err != nil {
		return nil, err
	}
	if target.TLS != nil {
		conn = tls.Client(conn, target.TLS)
	}
	_ = conn.SetDeadline(time.Now().Add(target.patience()))
	s := &session{conn: conn, mode: mode, patience: target.patience(), events: make(chan event, 16)}
	request := "GET " + target.Path + " HTTP/1.1\r\nHost: " + target.Address +
		"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " + handshakeKey + "\r\nSec-WebSocket-Version: 13\r\n"
	if offer != "" {
		request += "Sec-WebSocket-Extensions: " + offer + "\r\n"
	}
	s.put([]byte(request + "\r\n"))
	r := bufio.NewReaderSize(conn, 64<<10)
	if s.answer, err = readAnswer(r); err != nil {
		conn.Close()
		return nil, fmt.Errorf("handshake: %w", err)
	}
	v := &validator{r: r}
	if s.answer != "" {
		if v.deflate, err = agreed(offer, s.answer); err != nil {
			conn.Close()
			return nil, err
		}
	}
	go s.read(v)
	return s, nil
}

// readAnswer checks the 101 and returns its extensions.
func readAnswer(r *bufio.Reader) (extensions string, err error) {
	line := func() string {
		var l string
		if err == nil {
			l, err = r.ReadString('\n')
		}
		if err == nil && !strings.HasSuffix(l, "\r\n") {
			err = fmt.Errorf("line %q does not end with CRLF", l)
		}
		return strings.TrimSuffix(l, "\r\n")
	}
	if status := line(); err == nil && !strings.HasPrefix(status, "HTTP/1.1 101 ") {
		return "", fmt.Errorf("status %q", status)
	}
	headers := map[string]string{}
	for l := line(); l != ""; l = line() {
		name, value, ok := strings.Cut(l, ":")
		name = strings.ToLower(name)
		if _, twice := headers[name]; !ok || twice {
			return "", fmt.Errorf("header line %q", l)
		}
		headers[name] = strings.TrimSpace(value)
	}
	if err != nil {
		return "", err
	}
	sum := sha1.Sum([]byte(handshakeKey + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	accept := base64.StdEncoding.EncodeToString(sum[:])
	_, protocol := headers["sec-websocket-protocol"]
	switch {
	case !strings.EqualFold(headers["upgrade"], "websocket") || !strings.EqualFold(headers["connection"], "upgrade"):
		return "", errors.New("no upgrade in the answer")
	case headers["sec-websocket-accept"] != accept:
		return "", fmt.Errorf("accept %q, want %q", headers["sec-websocket-accept"], accept)
	case protocol:
		return "", errors.New("a subprotocol that was not offered")
	}
	return headers["sec-websocket-extensions"], nil
}

// read hands over what the server says, until its end. Pings of its own are left out: a case has nothing to do with them,
// and whatever the case writes is sign enough of life.
func (s *session) read(v *validator) {
	defer close(s.events)
	for {
		e, err := v.next()
		if err != nil {
			s.end = err
			return
		}
		if e.op != ping {
			s.events <- e
		}
	}
}

// say sends bytes that stand for one write of the case, in chops if chop is not 0.
func (s *session) say(b []byte, chop int) {
	switch {
	case s.mode == Joined:
		s.held = append(s.held, b...)
	case s.mode == ByteByByte && s.sparse:
		s.putEdges(b)
	case s.mode == ByteByByte:
		s.putChopped(b, 1)
	case chop > 0:
		s.putChopped(b, chop)
	default:
		s.put(b)
	}
}

// putEdges sends the first and the last KiB byte by byte, and what is between in odd pieces.
func (s *session) putEdges(b []byte) {
	const edge, piece = 1024, 4093
	first, last := min(edge, len(b)), max(min(edge, len(b)), len(b)-edge)
	s.putChopped(b[:first], 1)
	s.putChopped(b[first:last], piece)
	s.putChopped(b[last:], 1)
}

func (s *session) putChopped(b []byte, n int) {
	for len(b) > 0 {
		n = min(n, len(b))
		if !s.put(b[:n]) {
			return
		}
		b = b[n:]
	}
}

// put writes. A server that has hung up makes writes fail; what it said before tells the rest.
func (s *session) put(b []byte) bool {
	_, err := s.conn.Write(b)
	return err == nil
}

// flush sends what was held back to be joined. It is due before each wait.
func (s *session) flush() {
	if len(s.held) > 0 {
		s.put(s.held)
		s.held = nil
	}
}

// await returns the next event; ok is false at the end of the connection. Patience begins anew: some cases have very many.
func (s *session) await() (e event, ok bool) {
	_ = s.conn.SetDeadline(time.Now().Add(s.patience))
	s.flush()
	e, ok = <-s.events
	return e, ok
}

// cause is why no event came; nil where one did.
func (s *session) cause(came bool) error {
	if came {
		return nil // the reader is at work still
	}
	return s.end
}

// awaitFor is await for at most so long; quiet: nothing came.
func (s *session) awaitFor(most time.Duration) (e event, ok, quiet bool) {
	s.flush()
	select {
	case e, ok = <-s.events:
		return e, ok, false
	case <-time.After(most):
		return event{}, false, true
	}
}

// drain returns everything up to the end of the connection.
func (s *session) drain() []event {
	s.flush()
	var all []event
	for e := range s.events {
		all = append(all, e)
	}
	return all
}

// close ends the connection, and the reader with it.
func (s *session) close() {
	s.conn.Close()
	for range s.events {
	}
}

// orderly reports whether the server ended the TCP connection by itself and in order, once the events are drained.
func (s *session) orderly() error {
	switch {
	case s.end == io.EOF:
		return nil
	case errors.Is(s.end, syscall.ECONNRESET):
		return errors.New("the server reset the connection")
	case isTimeout(s.end):
		return errors.New("the server did not end the connection in time")
	}
	return s.end
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

func sameEvent(a, b event) bool { return a.op == b.op && bytes.Equal(a.payload, b.payload) }
