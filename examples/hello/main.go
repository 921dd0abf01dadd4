// Command hello is the smallest server that talks: it logs each text and answers it.
//
//	go run ./examples/hello
//
// Then, in a browser's console: ws = new WebSocket("ws://localhost:8080"); ws.onmessage = (e) => console.log(e.data); ws.onopen = () => ws.send("hi")
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

// hello keeps nothing. All its methods run on event loops, and must not block.
type hello struct{}

func (hello) OnOpen(c *reactor.Conn) { slog.Info("open", "peer", c.RemoteAddr().String()) }

func (hello) OnMessage(c *reactor.Conn, op reactor.Opcode, payload []byte) {
	slog.Info("message", "text", string(payload))
	_ = c.Send(reactor.Text, []byte("你好, client!")) // fails only where the conn has closed, which OnClose tells
}

func (hello) OnClose(_ *reactor.Conn, end reactor.End) {
	slog.Info("close", "code", int(end.Code), "reason", end.Reason, "by_client", end.Remote)
}

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "`address` to listen on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	s, err := reactor.Listen(reactor.Config{
		Addr: *addr, Handler: hello{},
		Origins: []string{"*"}, // a page opened from a file is of no origin; where users have rights, name yours
	})
	if err != nil {
		log.Fatal(err)
	}
	slog.Info("listening", "addr", s.Addr().String())
	if err := s.Serve(ctx); err != nil {
		log.Fatal(err)
	}
}
