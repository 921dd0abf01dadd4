// Command gorilla is an echo server on github.com/gorilla/websocket: a goroutine per connection, blocking reads.
//
// It never speaks a dialect, like `wsedge echo`, and has no limits beyond the library's own.
//
// Ownership: each connection belongs to its read loop's goroutine.
package main

import (
	"flag"
	"net/http"

	"github.com/gorilla/websocket"

	"github.com/wsedge/wsedge/loadtest/peers/internal/push"
)

// upgrader leaves everything to the defaults, as the library's echo example does: buffers of 4 KiB, which it takes over from
// net/http, and no compression.
var upgrader = websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}

func main() {
	addr := flag.String("addr", "127.0.0.1:9005", "`address` to listen on; port 0 picks a free one, which the log tells")
	flag.Parse()
	push.Serve(*addr, http.HandlerFunc(echo))
}

// echo is the loop of the library's example.
func echo(w http.ResponseWriter, r *http.Request) {
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // it has answered
	}
	defer conn.Close()
	for {
		kind, message, err := conn.ReadMessage()
		if err != nil || conn.WriteMessage(kind, message) != nil {
			return
		}
	}
}
