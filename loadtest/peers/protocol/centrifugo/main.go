// Command centrifugo is a server on github.com/centrifugal/centrifuge with its stock WebSocket handler, which speaks
// Centrifugo's JSON protocol, and an HTTP API that publishes as Centrifugo's does. wsload's recipe of that name drives it.
//
// Anyone may connect, subscribe to any channel but "secret", and publish. There is no history.
//
// Ownership: the library owns the connections.
package main

import (
	"flag"
	"log"

	"github.com/wsedge/wsedge/loadtest/peers/internal/push"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:9016", "`address` to listen on; port 0 picks a free one, which the log tells")
	flag.Parse()
	node, err := newNode(0)
	if err != nil {
		log.Fatal(err)
	}
	push.Serve(*addr, handler(node, 0))
}
