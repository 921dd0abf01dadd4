// Command gorilla is a broadcast server on github.com/gorilla/websocket: two goroutines per connection.
//
// It follows the library's chat example and PreparedMessage's documentation; those who don't keep up are ended.
//
// Ownership: a connection's reads belong to one goroutine, its writes to another; between them and the hub is a channel.
package main

import (
	"flag"
	"log"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/wsedge/wsedge/loadtest/peers/internal/push"
)

const (
	writeWait = 10 * time.Second // as in the chat example
	queue     = 256              // messages that may wait for a connection, as in the chat example: 2 KB
	readLimit = 512              // as in the chat example: clients only subscribe
)

// upgrader has the chat example's read buffer and, as the documentation advises where there are many connections, a pool for
// write buffers; a prepared message needs none. Compression stays off, the default.
var upgrader = websocket.Upgrader{
	ReadBufferSize:  1024,
	WriteBufferPool: &sync.Pool{},
	CheckOrigin:     func(*http.Request) bool { return true },
}

var (
	hub        push.Hub[*client]
	subscribed = prepare(push.Subscribed)
)

type client struct {
	conn *websocket.Conn
	send chan *websocket.PreparedMessage
}

func main() {
	addr := flag.String("addr", "127.0.0.1:9011", "`address` to listen on; port 0 picks a free one, which the log tells")
	cert := flag.String("tls-cert", "", "speak TLS with the certificate in `file` (PEM)")
	key := flag.String("tls-key", "", "`file` with its key (PEM)")
	flag.Parse()
	push.ServeTLS(*addr, *cert, *key, push.Handler(http.HandlerFunc(upgrade), publish))
}

// publish frames the message once. One that does not keep up is ended, as in the chat example.
func publish(data []byte) {
	hub.Publish(data, func(message []byte, clients []*client) {
		prepared := prepare(message)
		for _, c := range clients {
			select {
			case c.send <- prepared:
			default:
				_ = c.conn.Close()
			}
		}
	})
}

func prepare(message []byte) *websocket.PreparedMessage {
	prepared, err := websocket.NewPreparedMessage(websocket.TextMessage, message)
	if err != nil {
		log.Fatal(err) // a server's frame without compression always encodes
	}
	return prepared
}

// upgrade leaves the request's goroutine behind, so that what net/http holds can be collected.
func upgrade(w http.ResponseWriter, r *http.Request) {
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // it has answered
	}
	c := &client{conn: conn, send: make(chan *websocket.PreparedMessage, queue)}
	go c.write()
	go c.read()
}

// read subscribes on the first message and then only lets the library answer control frames.
func (c *client) read() {
	defer c.conn.Close()
	defer close(c.send) // nobody sends any more: the hub has been left
	defer hub.Remove(c)
	c.conn.SetReadLimit(readLimit)
	_ = c.conn.SetReadDeadline(time.Now().Add(push.Patience))
	c.conn.SetPongHandler(func(string) error { return c.conn.SetReadDeadline(time.Now().Add(push.Patience)) })
	for first := true; ; first = false {
		if _, _, err := c.conn.ReadMessage(); err != nil {
			return
		}
		if first {
			c.send <- subscribed
			hub.Add(c)
		}
	}
}

// write makes one system call per message: the library cannot join frames. The chat example joins what waits into one message,
// which would not be what was published.
func (c *client) write() {
	ticker := time.NewTicker(push.Period)
	defer ticker.Stop()
	defer c.conn.Close()
	for err := error(nil); err == nil; {
		select {
		case message, ok := <-c.send:
			if !ok {
				return
			}
			_ = c.conn.SetWriteDeadline(time.Now().Add(writeWait)) // as in the chat example
			err = c.conn.WritePreparedMessage(message)
		case <-ticker.C:
			err = c.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeWait))
		}
	}
}
