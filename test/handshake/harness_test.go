package handshake

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/pool"
	"github.com/wsedge/wsedge/reactor"
)

// patience bounds what must come. A test that passes never waits for it.
const patience = 30 * time.Second

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// TestMain fails the package if a goroutine, a file or a buffer is left.
func TestMain(m *testing.M) {
	warm, err := reactor.Listen(reactor.Config{Addr: "127.0.0.1:0", Handler: echoing{}, Logger: quiet})
	if err != nil {
		panic(err)
	}
	conn, err := net.Dial("tcp", warm.Addr().String())
	if err != nil {
		panic(err)
	}
	conn.Close()
	if err := warm.Shutdown(context.Background()); err != nil {
		panic(err)
	}
	before := holdings()
	code := m.Run()
	if !poll(func() bool { return holdings().within(before) }) {
		stacks := make([]byte, 1<<20)
		fmt.Printf("leak: %+v, was %+v\n%s\n", holdings(), before, stacks[:runtime.Stack(stacks, true)])
		code = 1
	}
	os.Exit(code)
}

// held is what a process has.
type held struct {
	goroutines, files int
	buffers           pool.Ledger
}

// holdings counts it, without the workers that the engine keeps for a while after its end.
func holdings() held {
	stacks := make([]byte, 1<<20)
	idle := strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "goWorker).run")
	files, _ := os.ReadDir("/proc/self/fd") // elsewhere than on Linux: none, before and after
	return held{goroutines: runtime.NumGoroutine() - idle, files: len(files), buffers: pool.Outstanding()}
}

func (h held) within(before held) bool {
	return h.goroutines <= before.goroutines && h.files <= before.files && h.buffers == before.buffers
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
