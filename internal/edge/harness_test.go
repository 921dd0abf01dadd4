package edge

import (
	"bytes"
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/tlstest"
	"github.com/wsedge/wsedge/reactor"
)

// patience is how long a test waits for what must come. It is no measure of anything.
const patience = 20 * time.Second

// tlsFlag has all conversations go over TLS.
var tlsFlag = flag.String("edge.tls", "", "std, compact or 1.2: have all conversations over TLS")

var (
	authority = tlstest.NewAuthority()
	serverTLS = &tls.Config{Certificates: []tls.Certificate{authority.Issue("localhost")}}
	clientTLS = &tls.Config{RootCAs: authority.Pool(), ServerName: "localhost"}
)

// origin is the server's own.
func origin(s *Server) string {
	if *tlsFlag != "" {
		return "https://" + s.Addr().String()
	}
	return "http://" + s.Addr().String()
}

// startServer runs a server on a free port, and shuts it down at the end of the test.
func startServer(t testing.TB, cfg Config) *Server {
	t.Helper()
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	if cfg.PingInterval == 0 {
		cfg.PingInterval = -1 // conversations are easier to follow without
	}
	if *tlsFlag != "" {
		cfg.TLS = &reactor.TLSOptions{Config: serverTLS.Clone(), Compact: *tlsFlag == "compact"}
		if *tlsFlag == "1.2" {
			cfg.TLS.Config.MaxVersion = tls.VersionTLS12
		}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	s, err := Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := s.Wait(); err != nil {
			t.Errorf("wait: %v", err)
		}
		if n := s.clients.count(); n != 0 {
			t.Errorf("%d clients are left", n)
		}
		if left := &s.traffic; left.native.Load() != 0 || left.raw.Load() != 0 || left.subscriptions.Load() != 0 {
			t.Errorf("counted: %d native and %d raw clients, and %d subscriptions are left", left.native.Load(), left.raw.Load(), left.subscriptions.Load())
		}
	})
	return s
}

// client is one end of a conversation on the wire.
type client struct {
	t       testing.TB
	conn    net.Conn
	head    string
	id      string // from the welcome
	unread  []byte
	decoder frame.Decoder
	config  frame.DecoderConfig
}

var maskKey = [4]byte{0x37, 0xfa, 0x21, 0x3d}

// handshake is a request for a WebSocket, with more header lines, each with its CRLF.
func handshake(s *Server, target, lines string) string {
	return "GET " + target + " HTTP/1.1\r\nHost: " + s.Addr().String() + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" + lines + "\r\n"
}

// dialRaw connects and sends request, and reads the head of the answer.
func dialRaw(t testing.TB, s *Server, request string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if *tlsFlag != "" {
		conn = tls.Client(conn, clientTLS)
	}
	c := &client{t: t, conn: conn, config: frame.DecoderConfig{Role: frame.Client, MaxMessageBytes: 4 << 20}}
	c.write([]byte(request))
	for {
		if head, rest, ok := bytes.Cut(c.unread, []byte("\r\n\r\n")); ok {
			c.head, c.unread = string(head), rest
			return c
		}
		c.read()
	}
}

// dial opens a WebSocket.
func dial(t testing.TB, s *Server, target, lines string) *client {
	t.Helper()
	c := dialRaw(t, s, handshake(s, target, lines))
	if !strings.HasPrefix(c.head, "HTTP/1.1 101 ") {
		t.Fatalf("handshake for %s: %s", target, c.head)
	}
	return c
}

// greet opens a native conversation and takes the welcome.
func greet(t testing.TB, s *Server) *client {
	t.Helper()
	c := dial(t, s, "/ws", "Sec-WebSocket-Protocol: wsedge.v1\r\n")
	welcome := c.hear()
	if _, err := fmt.Sscanf(welcome, `{"type":"welcome","client":%q`, &c.id); err != nil {
		t.Fatalf("welcome %s: %v", welcome, err)
	}
	return c
}

func (c *client) status() string {
	return strings.TrimPrefix(strings.SplitN(c.head, "\r\n", 2)[0], "HTTP/1.1 ")[:3]
}

func (c *client) write(b []byte) {
	c.t.Helper()
	if _, err := c.conn.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) read() {
	c.t.Helper()
	if err := c.tryRead(); err != nil {
		c.t.Fatalf("while waiting for the server: %v", err)
	}
}

func (c *client) tryRead() error {
	_ = c.conn.SetReadDeadline(time.Now().Add(patience))
	buf := make([]byte, 4096)
	n, err := c.conn.Read(buf)
	c.unread = append(c.unread, buf[:n]...)
	if n > 0 {
		return nil // an end behind it shows with the next read
	}
	return err
}

// say sends text messages in one write.
func (c *client) say(messages ...string) {
	c.t.Helper()
	c.write(frames(messages...))
}

func frames(messages ...string) (b []byte) {
	for _, m := range messages {
		b = frame.AppendMaskedFrame(b, frame.OpText, []byte(m), maskKey)
	}
	return b
}

// next is the next frame, whatever it is.
func (c *client) next() (frame.Opcode, string) {
	c.t.Helper()
	for {
		m, n, err := c.decoder.Next(&c.config, c.unread)
		if err != nil {
			c.t.Fatalf("the server broke the protocol: %v", err)
		}
		op, payload := m.Opcode, string(m.Payload)
		m.Release()
		c.unread = c.unread[n:]
		if op != frame.OpContinuation {
			return op, payload
		}
		c.read()
	}
}

// hear is the next message, which must be text.
func (c *client) hear() string {
	c.t.Helper()
	op, payload := c.next()
	if op != frame.OpText {
		c.t.Fatalf("%v %q, want a text message", op, payload)
	}
	return payload
}

// want compares the next message: a * stands for anything.
func (c *client) want(pattern string) {
	c.t.Helper()
	if got := c.hear(); !matches(pattern, got) {
		c.t.Fatalf("got  %s\nwant %s", got, pattern)
	}
}

func matches(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if !strings.HasPrefix(text, parts[0]) || !strings.HasSuffix(text, parts[len(parts)-1]) {
		return false
	}
	for _, part := range parts {
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return true
}

// wantClose wants the server's close frame with the code, answers it, and wants the end of the connection.
func (c *client) wantClose(code frame.CloseCode) {
	c.t.Helper()
	op, payload := c.next()
	if op != frame.OpClose {
		c.t.Fatalf("%v %q, want a close frame", op, payload)
	}
	got, reason, err := frame.ParseClose([]byte(payload))
	if err != nil || got != code {
		c.t.Fatalf("close code %d %q, %v; want %d", got, reason, err, code)
	}
	_, _ = c.conn.Write(frame.AppendMaskedFrame(nil, frame.OpClose, []byte(payload[:min(2, len(payload))]), maskKey))
	c.wantEnd()
}

// wantEnd wants nothing more to come.
func (c *client) wantEnd() {
	c.t.Helper()
	for c.tryRead() == nil {
	}
	if len(c.unread) > 0 {
		c.t.Fatalf("%q behind the close frame", c.unread)
	}
}

// idle wants nothing to have come so far: the pong to a ping is the next.
func (c *client) idle() {
	c.t.Helper()
	c.say(`{"type":"ping","id":"idle"}`)
	c.want(`{"type":"pong","id":"idle"}`)
}

func (c *client) subscribe(channel string) {
	c.t.Helper()
	c.say(`{"type":"subscribe","channel":"` + channel + `"}`)
	c.want(`{"type":"subscribed","channel":"` + channel + `","epoch":"*","offset":*}`)
}

// post calls the API.
func post(t testing.TB, s *Server, path, body string) (status int, answer string) {
	t.Helper()
	return call(t, s, "POST", path, body, nil)
}

func call(t testing.TB, s *Server, method, path, body string, header map[string]string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, origin(s)+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
		if name == "Host" {
			r.Host = value
		}
	}
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: clientTLS}
	response, err := (&http.Client{Transport: transport, Timeout: patience}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, strings.TrimSuffix(string(answer), "\n")
}
