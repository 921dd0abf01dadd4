// Command gorilla is an echo server on github.com/gorilla/websocket: a goroutine per connection, blocking reads.
//
// It never speaks a dialect, like `wsedge echo`, and has no limits beyond the library's own.
//
// Ownership: each connection belongs to its read loop's goroutine.
package main

import (
	"bytes"
	"flag"
	"net/http"

	"github.com/gorilla/websocket"

	"github.com/wsedge/wsedge/loadtest/peers/internal/push"
)

// upgrader has room for a whole message of 16 KiB, so that it takes one read: the default of 4 KiB, which is net/http's, would take
// several. What does not fit into the write buffer is written beside it in the same system call. Compression stays off, the default.
var upgrader = websocket.Upgrader{
	ReadBufferSize: 16<<10 + 96,
	CheckOrigin:    func(*http.Request) bool { return true },
}

func main() {
	addr := flag.String("addr", "127.0.0.1:9005", "`address` to listen on; port 0 picks a free one, which the log tells")
	flag.Parse()
	push.Serve(*addr, http.HandlerFunc(echo))
}

// echo is the loop of the library's example, but for a buffer that is used again: ReadMessage would allocate and grow one each time.
func echo(w http.ResponseWriter, r *http.Request) {
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // it has answered
	}
	defer conn.Close()
	var message bytes.Buffer
	for {
		kind, reader, err := conn.NextReader()
		if err != nil {
			return
		}
		message.Reset()
		if _, err := message.ReadFrom(reader); err != nil || conn.WriteMessage(kind, message.Bytes()) != nil {
			return
		}
	}
}
