// Command gws is an echo server on github.com/lxzan/gws: a goroutine per connection, blocking reads.
//
// It never speaks a dialect, like `wsedge echo`, and has no limits beyond the library's own.
//
// Ownership: each connection belongs to its read loop's goroutine.
package main

import (
	"flag"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/lxzan/gws"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:9002", "`address` to listen on; port 0 picks a free one, which the log tells")
	readBuffer := flag.Int("read-buffer", 4096, "most `bytes` that one read takes; the library's default is 4096")
	utf8 := flag.Bool("utf8", false, "check that text is UTF-8, as RFC 6455 asks; the library's default is not to")
	flag.Parse()

	// The library's own server, as in its quick start: it reads from the TCP connection without net/http between. ParallelEnabled
	// is off, because an echo needs no other goroutine than the one that has read the message. So is compression, which no
	// client here offers.
	server := gws.NewServer(handler{}, &gws.ServerOption{
		ParallelEnabled:  false,
		ReadBufferSize:   *readBuffer,
		CheckUtf8Enabled: *utf8,
	})
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening %s", listener.Addr())

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	// RunListener retries for ever on a closed listener: the process ends without it.
	go func() { log.Fatal(server.RunListener(listener)) }()
	<-stop
}

// handler sends every message back. It sets no deadline: the library's default is none, and each would cost a timer.
type handler struct{ gws.BuiltinEventHandler }

// OnPing answers, which the built-in handler leaves out.
func (handler) OnPing(conn *gws.Conn, payload []byte) { _ = conn.WritePong(payload) }

// OnMessage sends the message back and returns its buffer to the library's pool. A failed write ends the read loop, too.
func (handler) OnMessage(conn *gws.Conn, message *gws.Message) {
	defer message.Close()
	_ = conn.WriteMessage(message.Opcode, message.Bytes())
}
