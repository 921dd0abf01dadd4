// Command coder is an echo server on github.com/coder/websocket: a goroutine per connection, blocking reads.
//
// It never speaks a dialect, like `wsedge echo`.
//
// Ownership: each connection belongs to the goroutine of its request.
package main

import (
	"bytes"
	"context"
	"flag"
	"net/http"

	"github.com/coder/websocket"

	"github.com/wsedge/wsedge/loadtest/peers/internal/push"
)

// options leave compression off, the default.
var options = &websocket.AcceptOptions{InsecureSkipVerify: true} // any origin

func main() {
	addr := flag.String("addr", "127.0.0.1:9004", "`address` to listen on; port 0 picks a free one, which the log tells")
	flag.Parse()
	push.Serve(*addr, http.HandlerFunc(echo))
}

// echo reads into a buffer that is used again, as the library's own wsjson does: Read would allocate and grow one each time. It has
// no deadline: the others have none. The library's buffers are net/http's 4 KiB: a larger message takes two system calls to write.
func echo(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, options)
	if err != nil {
		return // it has answered
	}
	defer conn.CloseNow()
	conn.SetReadLimit(1 << 20) // the default of 32 KiB would end larger messages
	ctx := context.Background()
	var message bytes.Buffer
	for {
		kind, reader, err := conn.Reader(ctx)
		if err != nil {
			return
		}
		message.Reset()
		if _, err := message.ReadFrom(reader); err != nil || conn.Write(ctx, kind, message.Bytes()) != nil {
			return
		}
	}
}
