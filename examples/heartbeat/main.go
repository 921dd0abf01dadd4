// Command heartbeat has a heartbeat of the application's own: the text "ping" is answered with the text "pong", and a client that has said
// nothing for too long is closed.
//
// The reactor has one, too, by WebSocket pings, that needs nothing of the application (Config.PingInterval). This one is for clients that
// cannot see those, as scripts in browsers can not: by it they know that the server is there.
//
//	go run ./examples/heartbeat -timeout 30s
package main

import (
	"context"
	"flag"
	"log"
	"log/slog"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/wsedge/wsedge/reactor"
)

// heartbeat knows its conns, to look which of them are silent. When a conn has last said something is its context, which belongs to its loop.
type heartbeat struct {
	timeout time.Duration

	mu    sync.Mutex
	conns map[*reactor.Conn]struct{}
}

func (h *heartbeat) OnOpen(c *reactor.Conn) {
	c.SetContext(time.Now())
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conns[c] = struct{}{}
}

func (h *heartbeat) OnMessage(c *reactor.Conn, op reactor.Opcode, payload []byte) {
	c.SetContext(time.Now())
	if op == reactor.Text && string(payload) == "ping" {
		_ = c.Send(reactor.Text, []byte("pong"))
	}
}

func (h *heartbeat) OnClose(c *reactor.Conn, _ reactor.End) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.conns, c)
}

// sweep closes who has been silent for too long. It looks on each conn's own loop, where its messages come.
func (h *heartbeat) sweep() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.conns {
		c.Post(func(c *reactor.Conn) {
			if time.Since(reactor.Context[time.Time](c)) > h.timeout {
				c.Close(reactor.ClosePolicyViolation, "silent for too long")
			}
		})
	}
}

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "`address` to listen on")
	timeout := flag.Duration("timeout", 30*time.Second, "how long a client may be silent")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	h := &heartbeat{timeout: *timeout, conns: map[*reactor.Conn]struct{}{}}
	s, err := reactor.Listen(reactor.Config{Addr: *addr, Handler: h, Origins: []string{"*"}})
	if err != nil {
		log.Fatal(err)
	}
	slog.Info("listening", "addr", s.Addr().String())
	for ticker := time.NewTicker(max(time.Millisecond, *timeout/4)); ctx.Err() == nil; {
		select {
		case <-ticker.C:
			h.sweep()
		case <-ctx.Done():
		}
	}
	if err := s.Shutdown(context.Background()); err != nil {
		log.Fatal(err)
	}
}
