// Command echo is what a stranger writes from the package page: it sends back what it gets.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"

	"github.com/wsedge/wsedge/reactor"
)

func echo(c *reactor.Conn, op reactor.Opcode, payload []byte) { _ = c.Send(op, payload) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	s, err := reactor.Listen(reactor.Config{Addr: "127.0.0.1:0", Handler: reactor.Funcs{Message: echo}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.Addr())
	if err := s.Serve(ctx); err != nil {
		log.Fatal(err)
	}
}
