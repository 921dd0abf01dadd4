// Command nbio is an echo server on github.com/lesismal/nbio: epoll loops, no goroutine per connection.
//
// It never speaks a dialect, like `wsedge echo`, and has no limits beyond the library's own.
//
// Ownership: each connection belongs to one poller, which runs its handlers, too.
package main

import (
	"context"
	"flag"
	"log"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/lesismal/nbio/logging"
	"github.com/lesismal/nbio/nbhttp"
	"github.com/lesismal/nbio/nbhttp/websocket"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:9003", "`address` to listen on; port 0 picks a free one, which the log tells")
	flag.Parse()
	logging.SetLevel(logging.LevelError)

	// What the library's own benchmark server sets: non-blocking connections and payloads that go back to the pool by themselves.
	// Three things more: as many pollers as wsedge has loops; handlers on the poller, because handing each message to the
	// default's pool of goroutines measured 1.3 times the CPU; no keep-alive, which would set a read deadline
	// with each message; gws has none either. epoll stays level-triggered, the default: edge-triggered makes the same calls.
	upgrader := websocket.NewUpgrader()
	upgrader.KeepaliveTime = 0
	upgrader.CheckOrigin = func(*http.Request) bool { return true }
	upgrader.OnMessage(func(conn *websocket.Conn, kind websocket.MessageType, payload []byte) {
		_ = conn.WriteMessage(kind, payload) // one that fails has closed the connection
	})
	engine := nbhttp.NewEngine(nbhttp.Config{
		Network:                 "tcp",
		Addrs:                   []string{*addr},
		NPoller:                 runtime.GOMAXPROCS(0),
		IOMod:                   nbhttp.IOModNonBlocking,
		ReleaseWebsocketPayload: true,
		ServerExecutor:          func(handle func()) { handle() },
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = upgrader.Upgrade(w, r, nil) // it answers a bad request by itself
		}),
	})
	if err := engine.Start(); err != nil {
		log.Fatal(err)
	}
	log.Printf("listening %s", engine.Addrs[0])

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	<-stop
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = engine.Shutdown(ctx)
}
