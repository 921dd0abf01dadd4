// Command nbio is a broadcast server on github.com/lesismal/nbio: epoll loops, no goroutine per connection.
//
// It follows the library's example for a million connections. It has one channel and no policy but a read deadline and a bound
// on what waits.
//
// Ownership: a connection's reads belong to one poller; writes are made by the goroutine of its shard, under the library's lock.
package main

import (
	"flag"
	"log"
	"net/http"
	"runtime"
	"sync"

	"github.com/lesismal/nbio/logging"
	"github.com/lesismal/nbio/nbhttp"
	"github.com/lesismal/nbio/nbhttp/websocket"

	"github.com/wsedge/wsedge/loadtest/peers/internal/push"
)

// queue is how many publications may wait for a shard before their publisher has to.
const queue = 1024

// shard is a part of the subscribers and the goroutine that writes to them. There is one per core, because writes are made
// where WriteMessage is called: a single goroutine would use a single core.
type shard struct {
	hub      push.Hub[*websocket.Conn]
	messages chan []byte
}

var (
	shards    = make([]shard, runtime.GOMAXPROCS(0))
	publishes struct {
		sync.Mutex // the shards get publications in the same order
		offset     uint64
	}
	joins struct {
		sync.Mutex
		next int
	}
)

func main() {
	addr := flag.String("addr", "127.0.0.1:9014", "`address` to listen on; port 0 picks a free one, which the log tells")
	flag.Parse()
	logging.SetLevel(logging.LevelError)
	for i := range shards {
		shards[i].messages = make(chan []byte, queue)
		go shards[i].write()
		go shards[i].hub.Ping(func(conn *websocket.Conn) { _ = conn.WriteMessage(websocket.PingMessage, nil) })
	}

	upgrader := websocket.NewUpgrader()
	upgrader.KeepaliveTime = push.Patience
	upgrader.CheckOrigin = func(*http.Request) bool { return true }
	upgrader.OnMessage(subscribe)
	upgrader.OnClose(func(conn *websocket.Conn, _ error) {
		if s, ok := conn.Session().(*shard); ok {
			go s.hub.Remove(conn) // a failed write calls this under the hub's lock
		}
	})
	upgrade := func(w http.ResponseWriter, r *http.Request) { _, _ = upgrader.Upgrade(w, r, nil) } // it answers a bad request by itself
	// Non-blocking connections, as for many: the blocking mode, with BlockingModAsyncWrite, is for few. Payloads go back to
	// the pool by themselves, as in the examples; MaxLoad is theirs, too: the default ends all beyond 10,000. As many pollers
	// as cores, and handlers on them, because a hand-over to the default's pool of goroutines costs more than they do.
	engine := nbhttp.NewEngine(nbhttp.Config{
		Network:                 "tcp",
		Addrs:                   []string{*addr},
		MaxLoad:                 1_000_000,
		NPoller:                 runtime.GOMAXPROCS(0),
		IOMod:                   nbhttp.IOModNonBlocking,
		ReleaseWebsocketPayload: true,
		MaxWriteBufferSize:      1 << 20, // what may wait for a connection
		ServerExecutor:          func(handle func()) { handle() },
		Handler:                 push.Handler(http.HandlerFunc(upgrade), publish),
	})
	if err := engine.Start(); err != nil {
		log.Fatal(err)
	}
	log.Printf("listening %s", engine.Addrs[0])
	push.Wait()
}

func publish(data []byte) {
	publishes.Lock()
	defer publishes.Unlock()
	publishes.offset++
	message := push.Envelope(data, publishes.offset)
	for i := range shards {
		shards[i].messages <- message
	}
}

// write makes one system call per message; for each the library copies the message to a buffer from its pool.
func (s *shard) write() {
	for message := range s.messages {
		s.hub.Each(func(conn *websocket.Conn) {
			_ = conn.WriteMessage(websocket.TextMessage, message) // one that fails has closed the connection
		})
	}
}

// subscribe deals connections to the shards in turns.
func subscribe(conn *websocket.Conn, _ websocket.MessageType, _ []byte) {
	joins.Lock()
	s := &shards[joins.next%len(shards)]
	joins.next++
	joins.Unlock()
	conn.SetSession(s)
	_ = conn.WriteMessage(websocket.TextMessage, push.Subscribed)
	s.hub.Add(conn)
}
