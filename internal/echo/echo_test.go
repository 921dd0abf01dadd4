package echo

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/reactor"
)

// patience bounds what must come; a test that passes never waits for it.
const patience = 60 * time.Second

func start(t *testing.T, cfg Config) *reactor.Server {
	t.Helper()
	cfg.Addr = "127.0.0.1:0"
	cfg.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	s, err := Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return s
}

// client is a WebSocket client that checks every byte of the server.
type client struct {
	t *testing.T
	net.Conn
	r       *bufio.Reader
	config  frame.DecoderConfig
	decoder frame.Decoder
	unread  []byte
}

func dial(t *testing.T, s *reactor.Server, path, header string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	c := &client{t: t, Conn: conn, r: bufio.NewReader(conn),
		config: frame.DecoderConfig{Role: frame.Client, MaxMessageBytes: DefaultMaxMessageBytes}}
	key := frame.NewClientKey([16]byte{1})
	c.write(frame.AppendClientHandshake(nil, "anywhere.example", path, key, header))
	var head []byte
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		line, err := c.r.ReadBytes('\n')
		if err != nil {
			t.Fatal(err)
		}
		head = append(head, line...)
	}
	subprotocol, err := frame.CheckServerHandshake(head, key)
	if err != nil || len(subprotocol) > 0 {
		t.Fatalf("subprotocol %q, %v", subprotocol, err)
	}
	return c
}

func (c *client) write(b []byte) {
	c.t.Helper()
	if _, err := c.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// next returns one message, or a control frame but for pings, which come when they come; its payload is copied.
func (c *client) next() (frame.Opcode, []byte) {
	c.t.Helper()
	chunk := make([]byte, 64<<10)
	for {
		m, n, err := c.decoder.Next(&c.config, c.unread)
		if err != nil {
			c.t.Fatal(err)
		}
		c.unread = c.unread[n:]
		if m.Opcode == frame.OpPing {
			continue
		}
		if m.Opcode != frame.OpContinuation {
			payload := bytes.Clone(m.Payload)
			m.Release()
			return m.Opcode, payload
		}
		n, err = c.r.Read(chunk)
		if err != nil {
			c.t.Fatal(err)
		}
		c.unread = bytes.Clone(chunk[:n])
	}
}

func TestLargestMessageComesBackAndOneMoreByteDoesNot(t *testing.T) {
	s := start(t, Config{})
	c := dial(t, s, "/any/path?at=all", "Origin: https://foreign.example\r\nSec-WebSocket-Protocol: chat\r\n")
	payload := bytes.Repeat([]byte("0123456789abcdef"), DefaultMaxMessageBytes/16)
	go func() { _, _ = c.Write(frame.AppendMaskedFrame(nil, frame.OpBinary, payload, [4]byte{1, 2, 3, 4})) }()
	if op, got := c.next(); op != frame.OpBinary || !bytes.Equal(got, payload) {
		t.Fatalf("%v of %d bytes came back", op, len(got))
	}
	c.write(frame.AppendMaskedHeader(nil, true, frame.OpBinary, DefaultMaxMessageBytes+1, [4]byte{1, 2, 3, 4}))
	op, got := c.next()
	code, _, err := frame.ParseClose(got)
	if op != frame.OpClose || code != frame.CloseMessageTooBig || err != nil {
		t.Errorf("%v %d, %v; want close 1009", op, code, err)
	}
}

func TestManyFragments(t *testing.T) {
	s := start(t, Config{})
	c := dial(t, s, "/", "")
	const fragments = 65_537
	var in []byte
	for i := range fragments {
		op := frame.OpContinuation
		if i == 0 {
			op = frame.OpText
		}
		in = frame.AppendMaskedHeader(in, i == fragments-1, op, 1, [4]byte{})
		in = append(in, 'x')
	}
	go func() { _, _ = c.Write(in) }()
	if op, got := c.next(); op != frame.OpText || len(got) != fragments {
		t.Errorf("%v of %d bytes came back, want %d", op, len(got), fragments)
	}
}

func TestWhoDoesNotReadIsClosed(t *testing.T) {
	s := start(t, Config{OutboundMaxBytes: 100_000})
	c := dial(t, s, "/", "")
	in := frame.AppendMaskedFrame(nil, frame.OpBinary, make([]byte, 50_000), [4]byte{})
	for {
		if _, err := c.Write(in); err != nil {
			break // closed
		}
	}
	if n := s.Stats().Ended[reactor.CauseSlow.String()]; n != 1 {
		t.Errorf("%d conns ended as slow, want 1", n)
	}
}

func TestPlainRequestIsToldToUpgrade(t *testing.T) {
	s := start(t, Config{})
	resp, err := http.Get("http://" + s.Addr().String() + "/")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUpgradeRequired || resp.Header.Get("Upgrade") != "websocket" {
		t.Errorf("%s, Upgrade: %q", resp.Status, resp.Header.Get("Upgrade"))
	}
}
