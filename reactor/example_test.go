package reactor_test

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httptest"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/reactor"
)

// room sends what anyone says to everyone.
type room struct{ everyone *reactor.Topic }

func (r *room) OnOpen(c *reactor.Conn) { _ = c.Subscribe(r.everyone) }

func (r *room) OnMessage(_ *reactor.Conn, op frame.Opcode, payload []byte) {
	_, _ = r.everyone.Broadcast(op, payload)
}

func (r *room) OnClose(*reactor.Conn, reactor.End) {}

// A chat room, with a web page on the same port.
func Example() {
	r := &room{}
	s, err := reactor.New(reactor.Config{
		Addr:    "127.0.0.1:0",
		Handler: r,
		HTTP: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "connect with a WebSocket")
		}),
	})
	if err != nil {
		log.Fatal(err)
	}
	r.everyone = s.NewTopic(reactor.TopicOptions{})
	if err := s.Start(); err != nil {
		log.Fatal(err)
	}

	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Status)
	conn.Close()

	if err := s.Shutdown(context.Background()); err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.Wait())
	// Output:
	// 200 OK
	// <nil>
}

// A program that has a router already: the room is one of its routes.
func ExampleServer_ServeHTTP() {
	r := &room{}
	s, err := reactor.New(reactor.Config{Handler: r}) // no Addr: it does not listen
	if err != nil {
		log.Fatal(err)
	}
	r.everyone = s.NewTopic(reactor.TopicOptions{})
	if err := s.Start(); err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /room", s)
	web := httptest.NewServer(mux)

	conn, err := net.Dial("tcp", web.Listener.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprint(conn, "GET /room HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Status)
	fmt.Println(s.Stats().Open, "open")
	conn.Close()

	web.Close()
	if err := s.Shutdown(context.Background()); err != nil { // net/http knows nothing of the conns any more
		log.Fatal(err)
	}
	// Output:
	// 101 Switching Protocols
	// 1 open
}
