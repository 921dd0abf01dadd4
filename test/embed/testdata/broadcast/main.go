// Command broadcast is what a stranger writes from the package page: what anybody says goes to all.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"

	"github.com/wsedge/wsedge/reactor"
)

type hub struct{}

func (hub) OnOpen(c *reactor.Conn) { _ = c.Subscribe(c.Server().Topic("all")) }

func (hub) OnMessage(c *reactor.Conn, op reactor.Opcode, payload []byte) {
	if _, err := c.Server().Topic("all").Broadcast(op, payload); err != nil {
		c.Close(reactor.CloseTryAgainLater, "too much is on its way")
	}
}

func (hub) OnClose(*reactor.Conn, reactor.End) {}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	s, err := reactor.Listen(reactor.Config{Addr: "127.0.0.1:0", Handler: hub{}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.Addr())
	if err := s.Serve(ctx); err != nil {
		log.Fatal(err)
	}
}
