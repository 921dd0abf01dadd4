// Command coder is a broadcast server on github.com/coder/websocket: two goroutines per connection.
//
// It follows the library's chat example. It has one channel and no policy but to end those who don't keep up.
//
// Ownership: a connection's writes belong to the goroutine of its request; between it and the hub is a channel.
package main

import (
	"context"
	"flag"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"github.com/wsedge/wsedge/loadtest/peers/internal/push"
)

const (
	writeWait = 5 * time.Second // as in the chat example
	// queue is how many messages may wait for a connection. The chat example has 16 with at most 10 a second; this leaves
	// as many seconds to 64 a second.
	queue = 128
)

// options leave compression off, the default.
var options = &websocket.AcceptOptions{InsecureSkipVerify: true} // any origin

var hub push.Hub[*client]

type client struct {
	conn *websocket.Conn
	send chan []byte
}

func main() {
	addr := flag.String("addr", "127.0.0.1:9012", "`address` to listen on; port 0 picks a free one, which the log tells")
	flag.Parse()
	push.Serve(*addr, push.Handler(http.HandlerFunc(serve), publish))
}

// publish shares the message, but the library has no prepared one: it makes the header for each connection and copies the
// message to its write buffer.
func publish(data []byte) {
	hub.Publish(data, func(message []byte, clients []*client) {
		for _, c := range clients {
			select {
			case c.send <- message:
			default:
				go c.conn.CloseNow()
			}
		}
	})
}

// serve keeps the request's goroutine, as the chat example does.
func serve(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, options)
	if err != nil {
		return // it has answered
	}
	defer conn.CloseNow()
	if _, _, err := conn.Read(r.Context()); err != nil {
		return
	}
	c := &client{conn: conn, send: make(chan []byte, queue)}
	c.send <- push.Subscribed
	hub.Add(c)
	defer hub.Remove(c)
	c.write(conn.CloseRead(r.Context())) // which also answers control frames
}

// write makes one system call per message, and two beyond 4 KiB: the library flushes each, and its buffer is the one that it has taken
// over from net/http.
func (c *client) write(ctx context.Context) {
	ticker := time.NewTicker(push.Period)
	defer ticker.Stop()
	for {
		select {
		case message := <-c.send:
			if c.message(ctx, message) != nil {
				return
			}
		case <-ticker.C:
			go c.ping(ctx) // it waits for the pong
		case <-ctx.Done():
			return
		}
	}
}

// message has a deadline, as in the chat example: the context is the library's only way to have one.
func (c *client) message(ctx context.Context, message []byte) error {
	ctx, cancel := context.WithTimeout(ctx, writeWait)
	defer cancel()
	return c.conn.Write(ctx, websocket.MessageText, message)
}

func (c *client) ping(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, push.Patience-push.Period)
	defer cancel()
	if c.conn.Ping(ctx) != nil {
		_ = c.conn.CloseNow()
	}
}
