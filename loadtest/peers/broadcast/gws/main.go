// Command gws is a broadcast server on github.com/lxzan/gws: a goroutine per connection, and short-lived ones that write.
//
// It follows the library's push example: one Broadcaster for each publication, which frames it once and queues it to every
// connection. It has one channel and no policy but a deadline.
//
// Ownership: a connection's reads belong to one goroutine; its writes to whichever one drains its queue.
package main

import (
	"flag"
	"log"
	"time"

	"github.com/lxzan/gws"

	"github.com/wsedge/wsedge/loadtest/peers/internal/push"
)

var hub push.Hub[*gws.Conn]

func main() {
	addr := flag.String("addr", "127.0.0.1:9013", "`address` for WebSocket; port 0 picks a free one")
	publishAddr := flag.String("publish-addr", "127.0.0.1:9023", "`address` of the publish endpoint; port 0 picks a free one, which the log tells")
	flag.Parse()

	// The library's own server, as in its quick start, which has no room for other endpoints: they get a port of their own. It
	// handshakes with less than net/http. Everything is the default: compression and ParallelEnabled off, 4 KiB to read into.
	server := gws.NewServer(handler{}, nil)
	go func() { log.Fatal(server.Run(*addr)) }()
	go hub.Ping(func(conn *gws.Conn) { conn.WriteAsync(gws.OpcodePing, nil, nil) })
	push.Serve(*publishAddr, push.Handler(nil, publish))
}

// publish queues the frame to every connection: there is one system call per message, made by the goroutine that the queue
// starts when it was empty. The library's queue has no bound; a connection that does not read is ended by its deadline.
func publish(data []byte) {
	hub.Publish(data, func(message []byte, conns []*gws.Conn) {
		broadcaster := gws.NewBroadcaster(gws.OpcodeText, message)
		defer broadcaster.Close()
		for _, conn := range conns {
			_ = broadcaster.Broadcast(conn) // one that fails has closed the connection
		}
	})
}

// handler subscribes on any message and sets the deadline again with each pong, as the chat room example does.
type handler struct{ gws.BuiltinEventHandler }

// OnOpen sets the first deadline.
func (handler) OnOpen(conn *gws.Conn) { _ = conn.SetDeadline(time.Now().Add(push.Patience)) }

// OnPong puts it off.
func (handler) OnPong(conn *gws.Conn, _ []byte) {
	_ = conn.SetDeadline(time.Now().Add(push.Patience))
}

// OnPing answers, which the built-in handler leaves out.
func (handler) OnPing(conn *gws.Conn, payload []byte) { _ = conn.WritePong(payload) }

// OnClose unsubscribes.
func (handler) OnClose(conn *gws.Conn, _ error) { hub.Remove(conn) }

// OnMessage subscribes. The answer goes through the queue, so that it comes before the first publication.
func (handler) OnMessage(conn *gws.Conn, message *gws.Message) {
	_ = message.Close()
	conn.WriteAsync(gws.OpcodeText, push.Subscribed, nil)
	hub.Add(conn)
}
