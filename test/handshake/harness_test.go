package handshake

import (
	"context"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/leaktest"
	"github.com/wsedge/wsedge/reactor"
)

// patience bounds what must come. A test that passes never waits for it.
const patience = 30 * time.Second

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func TestMain(m *testing.M) {
	leaktest.Run(m, func() {
		s, err := reactor.Listen(reactor.Config{Addr: "127.0.0.1:0", Handler: echoing{}, Logger: quiet})
		if err != nil {
			panic(err)
		}
		conn, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			panic(err)
		}
		conn.Close()
		if err := s.Shutdown(context.Background()); err != nil {
			panic(err)
		}
	})
}

// poll asks until it is so, or patience ends.
func poll(done func() bool) bool {
	for end := time.Now().Add(patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	if !poll(done) {
		t.Fatalf("never came: %s", what)
	}
}

// echoing sends every message back.
type echoing struct{}

func (echoing) OnOpen(*reactor.Conn) {}
func (echoing) OnMessage(c *reactor.Conn, op frame.Opcode, payload []byte) {
	_ = c.Send(op, payload) // who does not read is closed
}
func (echoing) OnClose(*reactor.Conn, reactor.End) {}

// serve runs a reactor for the test, an echo unless cfg says otherwise.
func serve(t testing.TB, cfg reactor.Config) *reactor.Server {
	t.Helper()
	cfg.Addr = "127.0.0.1:0"
	cfg.Logger = quiet
	cfg.PingInterval = -1 // a ping would come into conversations that are about something else
	if cfg.Handler == nil {
		cfg.Handler = echoing{}
	}
	if cfg.HandshakeTimeout == 0 {
		cfg.HandshakeTimeout = patience // thousands of pieces, each read before the next, may take longer than the default
	}
	if cfg.Loops == 0 {
		cfg.Loops = 2
	}
	s, err := reactor.Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return s
}
