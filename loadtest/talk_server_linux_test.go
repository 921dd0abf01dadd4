package loadtest

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/wsedge/wsedge/frame"
)

// talkServer is a WebSocket server whose protocol is a function: it is told of each text that a connection sends. All calls
// are made one at a time.
type talkServer struct {
	opened func(c *talkConn)
	said   func(c *talkConn, text string)
	closed func(c *talkConn)                             // a close frame has come, and is not answered yet
	posted func(body string) (status int, answer string) // POST requests

	listener net.Listener
	handlers sync.WaitGroup

	mu      sync.Mutex
	conns   map[*talkConn]bool
	members map[string][]*talkConn // subscribers by channel
}

// talkConn is a connection of a talkServer.
type talkConn struct {
	server  *talkServer
	conn    net.Conn
	number  int    // of those opened before it
	request string // request target
}

func (s *talkServer) start(t *testing.T) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.listener, s.conns, s.members = listener, map[*talkConn]bool{}, map[string][]*talkConn{}
	s.handlers.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.handlers.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		s.mu.Lock()
		for c := range s.conns {
			_ = c.conn.Close()
		}
		s.mu.Unlock()
		s.handlers.Wait()
	})
	return listener.Addr().String()
}

func (s *talkServer) serve(conn net.Conn) {
	s.mu.Lock()
	c := &talkConn{server: s, conn: conn, number: len(s.conns)}
	s.conns[c] = true
	s.mu.Unlock()
	defer conn.Close()
	in := bufio.NewReader(conn)
	for {
		request, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if request.Method == http.MethodGet {
			c.request = request.RequestURI
			_, _ = conn.Write(frame.AppendSwitchingProtocols(nil, []byte(request.Header.Get("Sec-WebSocket-Key")), "", ""))
			c.frames(in)
			return
		}
		if !s.post(conn, request) {
			return
		}
	}
}

func (c *talkConn) frames(in *bufio.Reader) {
	cfg := frame.DecoderConfig{Role: frame.Server, MaxMessageBytes: 2 * MaxPayload}
	var decoder frame.Decoder
	s, buf := c.server, make([]byte, 4096)
	s.call(func() {
		if s.opened != nil {
			s.opened(c)
		}
	})
	for {
		n, err := in.Read(buf)
		if err != nil {
			return
		}
		for rest := buf[:n]; len(rest) > 0; {
			m, used, err := decoder.Next(&cfg, rest)
			if err != nil {
				return
			}
			if rest = rest[used:]; m.Opcode == frame.OpText {
				s.call(func() { s.said(c, string(m.Payload)) })
			}
			if m.Opcode == frame.OpClose {
				s.call(func() {
					if s.closed != nil {
						s.closed(c)
					}
				})
				_, _ = c.conn.Write(frame.AppendFrame(nil, frame.OpClose, m.Payload))
				return
			}
			m.Release()
		}
	}
}

func (s *talkServer) call(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
}

// say sends a text; the other methods, too, are for the functions that the server calls.
func (c *talkConn) say(text string) {
	_, _ = c.conn.Write(frame.AppendFrame(nil, frame.OpText, []byte(text)))
}

func (c *talkConn) subscribe(channel string) {
	c.server.members[channel] = append(c.server.members[channel], c)
}

// publish says something to all subscribers.
func (s *talkServer) publish(channel, text string) {
	for _, c := range s.members[channel] {
		c.say(text)
	}
}

func (s *talkServer) post(conn net.Conn, request *http.Request) bool {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return false
	}
	status, text := 0, ""
	s.call(func() { status, text = s.posted(string(body)) })
	answer := http.Response{
		StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(text)), Body: io.NopCloser(strings.NewReader(text)),
	}
	return answer.Write(conn) == nil
}
