// Command echo sends every message back as it was: text as text, binary as binary, in fragments or whole. Pings are answered, and a close
// frame is echoed, before OnMessage would know of them.
//
//	go run ./examples/echo
//	python3 -m websockets ws://localhost:8765
package main

import (
	"context"
	"flag"
	"log"
	"log/slog"
	"os/signal"
	"syscall"

	"github.com/wsedge/wsedge/reactor"
)

type echo struct{}

func (echo) OnOpen(*reactor.Conn) {}

// OnMessage gets a whole message, however many fragments it came in. It borrows payload; Send copies it.
func (echo) OnMessage(c *reactor.Conn, op reactor.Opcode, payload []byte) { _ = c.Send(op, payload) }

func (echo) OnClose(*reactor.Conn, reactor.End) {}

func main() {
	addr := flag.String("addr", "127.0.0.1:8765", "`address` to listen on")
	maxMessage := flag.Int64("max-message", 1<<20, "most `bytes` of a message; a longer one ends the connection with 1009")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	s, err := reactor.Listen(reactor.Config{
		Addr: *addr, Handler: echo{}, MaxMessageBytes: *maxMessage,
		Origins: []string{"*"}, // there is nothing behind an echo that a page could reach
		Deflate: &reactor.DeflateOptions{},
	})
	if err != nil {
		log.Fatal(err)
	}
	slog.Info("listening", "addr", s.Addr().String())
	if err := s.Serve(ctx); err != nil {
		log.Fatal(err)
	}
}
