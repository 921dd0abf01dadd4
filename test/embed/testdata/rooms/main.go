// Command rooms is what a stranger writes from the package page: rooms by name, from handlers that may block, in a program that has a router.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"

	"github.com/wsedge/wsedge/reactor"
)

type rooms struct{}

// member belongs to the calls of one conn, which come one after the other.
type member struct {
	name string
	room *reactor.Topic
}

func (rooms) OnOpen(c *reactor.BlockingConn) { c.Context = &member{name: c.Context.(string)} }

func (rooms) OnMessage(c *reactor.BlockingConn, _ reactor.Opcode, payload []byte) {
	m := c.Context.(*member)
	if name, join := strings.CutPrefix(string(payload), "/join "); join {
		if m.room != nil {
			_ = c.Unsubscribe(m.room)
		}
		m.room = c.Server().Topic(name)
		_ = c.Subscribe(m.room)
		_ = c.Send(reactor.Text, []byte("welcome to "+name))
		return
	}
	if m.room == nil {
		_ = c.Send(reactor.Text, []byte("say /join and a name"))
		return
	}
	_, _ = m.room.BroadcastExcept(c.Conn(), reactor.Text, []byte(m.name+": "+string(payload)))
}

func (rooms) OnClose(*reactor.BlockingConn, reactor.End) {}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	s, err := reactor.Listen(reactor.Config{
		Blocking: rooms{},
		Upgrade: func(_ *reactor.Conn, r *reactor.Request) (reactor.Accept, error) {
			return reactor.Accept{Context: strings.TrimPrefix(string(r.Path), "/rooms/")}, nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /rooms/{name}", s)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	web := &http.Server{Handler: mux}
	go func() { _ = web.Serve(l) }() // until Close
	defer web.Close()
	fmt.Println(l.Addr())
	if err := s.Serve(ctx); err != nil {
		log.Fatal(err)
	}
}
