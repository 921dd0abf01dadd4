// Command client is what a stranger writes from the package page: it stays connected to the server that its argument names, says hello each
// time, and prints what it hears.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"os/signal"
	"time"

	"github.com/wsedge/wsedge/reactor"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ended := make(chan reactor.End, 1)
	s, err := reactor.Listen(reactor.Config{Loops: 1, Handler: reactor.Funcs{
		Open:    func(c *reactor.Conn) { _ = c.Send(reactor.Text, []byte("hello")) },
		Message: func(_ *reactor.Conn, _ reactor.Opcode, payload []byte) { fmt.Printf("%s\n", payload) },
		Close:   func(_ *reactor.Conn, end reactor.End) { ended <- end },
	}})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Shutdown(context.Background())

	const shortest, longest = 50 * time.Millisecond, 10 * time.Second
	pause := shortest
	for {
		_, _, err := s.Dial(ctx, os.Args[1], reactor.DialOptions{})
		var refused *reactor.DialError
		switch {
		case errors.As(err, &refused):
			log.Print(refused)
			return
		case err == nil:
			pause = shortest
			select {
			case <-ended:
			case <-ctx.Done():
				return
			}
		}
		select {
		case <-time.After(pause/2 + rand.N(pause)):
		case <-ctx.Done():
			return
		}
		pause = min(2*pause, longest)
	}
}
