// Command centrifuge is a broadcast server on github.com/centrifugal/centrifuge: a Node, and a unidirectional transport, which
// its documentation recommends for clients that don't speak its own protocol, as wsload doesn't.
//
// It follows the library's unidirectional WebSocket example. It publishes with Node.Publish to one channel without history.
//
// Ownership: a connection's reads belong to one goroutine, its writes to the library's writer goroutine.
package main

import (
	"context"
	"flag"
	"log"
	"net/http"
	"sync"
	"time"

	"github.com/centrifugal/centrifuge"
	"github.com/gorilla/websocket"

	"github.com/wsedge/wsedge/loadtest/peers/internal/push"
)

const channel = "load"

// upgrader has the example's read buffer and pool of write buffers. The library's own handler has a fork of the same code.
var upgrader = websocket.Upgrader{
	ReadBufferSize:  1024,
	WriteBufferPool: &sync.Pool{},
	CheckOrigin:     func(*http.Request) bool { return true },
}

func main() {
	addr := flag.String("addr", "127.0.0.1:9015", "`address` to listen on; port 0 picks a free one, which the log tells")
	flag.Parse()

	node, err := centrifuge.New(centrifuge.Config{}) // no log, queues of 1 MiB: the defaults
	if err != nil {
		log.Fatal(err)
	}
	// Every connection is subscribed by the server, as in the example. WriteDelay stays 0: it saves system calls by waiting,
	// which none of the others does. Up to 16 messages that wait are written at once, the default.
	node.OnConnecting(func(context.Context, centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		return centrifuge.ConnectReply{
			Credentials:   &centrifuge.Credentials{UserID: "load"},
			Subscriptions: map[string]centrifuge.SubscribeOptions{channel: {}},
		}, nil
	})
	if err := node.Run(); err != nil {
		log.Fatal(err)
	}
	upgrade := func(w http.ResponseWriter, r *http.Request) {
		if conn, err := upgrader.Upgrade(w, r, nil); err == nil {
			go serve(node, conn) // as in the example: what net/http holds can be collected
		}
	}
	push.Serve(*addr, push.Handler(http.HandlerFunc(upgrade), func(data []byte) {
		if _, err := node.Publish(channel, data); err != nil {
			log.Print(err)
		}
	}))
}

// serve connects on the first message, as the example does, and then only lets gorilla answer control frames.
func serve(node *centrifuge.Node, conn *websocket.Conn) {
	transport := &transport{conn: conn}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	client, end, err := centrifuge.NewClient(ctx, node, transport)
	if err != nil {
		_ = conn.Close()
		return
	}
	defer func() { _ = end() }()
	for first := true; ; first = false {
		if _, _, err := conn.ReadMessage(); err != nil {
			return
		}
		if first {
			client.Connect(centrifuge.ConnectRequest{})
			_ = transport.Write(push.Subscribed) // wsload waits for it
		}
	}
}

var _ centrifuge.Transport = (*transport)(nil)

// writeWait is the library's default.
const writeWait = time.Second
