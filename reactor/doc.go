// Package reactor runs WebSocket connections on a few event loops: no goroutine per connection, no buffer for a connection at
// rest, and one write per connection and turn however much has gathered for it.
//
// This is a whole server. What anybody says reaches everybody else in the same room, which is the path of the URL; it ends with
// grace at an interrupt:
//
//	package main
//
//	import (
//		"context"
//		"log"
//		"os"
//		"os/signal"
//
//		"github.com/wsedge/wsedge/reactor"
//	)
//
//	type rooms struct{}
//
//	func upgrade(c *reactor.Conn, r *reactor.Request) (reactor.Accept, error) {
//		return reactor.Accept{Context: c.Server().Topic(string(r.Path))}, nil
//	}
//
//	func (rooms) OnOpen(c *reactor.Conn) { _ = c.Subscribe(reactor.Context[*reactor.Topic](c)) }
//
//	func (rooms) OnMessage(c *reactor.Conn, op reactor.Opcode, payload []byte) {
//		_, _ = reactor.Context[*reactor.Topic](c).BroadcastExcept(c, op, payload)
//	}
//
//	func (rooms) OnClose(*reactor.Conn, reactor.End) {}
//
//	func main() {
//		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
//		defer stop()
//		if err := reactor.Run(ctx, reactor.Config{Addr: "127.0.0.1:8080", Handler: rooms{}, Upgrade: upgrade}); err != nil {
//			log.Fatal(err)
//		}
//	}
//
// A [Config] needs a [Handler], or functions ([Funcs]), and an address; all else has a safe default. The handler is told when a
// connection opens, when a message arrives and when it closes; it answers with [Conn.Send]. A [Topic] is a set of connections that
// get the same bytes: [Topic.Broadcast] encodes a frame once, and every loop sends it to its own subscribers. [Server.Topic] finds
// one by name, [Server.NewTopic] makes one with options of its own.
//
// A [Server] listens on a port of its own, on which everything that is no WebSocket goes to net/http (Config.HTTP), or is an
// http.Handler in a program that has a port and a router already: see [Server.ServeHTTP]. Or both, with a router on the server's own port:
// see Config.RouteUpgrades.
//
// [Server.Dial] is the other end: a connection that the program opens itself, on the same loops, with the same handler.
//
// The package never parses JSON, never stores a message for later, and knows no user. It reads no flags, files or environment, and logs
// to Config.Logger alone. No type of the poller underneath shows in its API.
//
// # Ownership
//
// A conn belongs to one loop for life. All handler callbacks for it run on that loop, and so must all calls of its methods,
// except those marked "Safe from any goroutine". So the state of a conn ([Context]) needs no lock. Built with the tag wsedge_debug, a
// call from a wrong goroutine panics.
//
// A handler must not block: every other connection of the loop waits for it. Code on other goroutines sends by [Conn.Remote], runs on the
// conn's loop by [Conn.Post], and reaches all subscribers of a topic with its methods, which are all safe. A handler that has to wait is a
// [BlockingHandler]: its calls come on goroutines of a bounded pool, in the order of each conn.
//
// The payload that OnMessage gets is a view of the loop's read buffer: valid, and free to be changed, until it returns. Whatever is given to
// Send, Broadcast and their like is copied.
//
// # Errors
//
// [New] returns a *[ConfigError]. Sending returns [ErrClosed], which needs no handling, as OnClose tells of the end, or one of the mistakes [ErrOpcode],
// [ErrForm], [ErrSubscribed], [ErrControlTooLong]. Publishing, and sending from other goroutines, returns [ErrBacklog] when too much is on its way: nothing
// was sent, and publishers should slow down. A client that is too slow costs nobody else anything: see [SlowPolicy].
//
// # Figures
//
// [Server.Stats] is a snapshot of all counters and gauges, for whatever system of metrics a program has. Config.OnDrop, OnRefusal and OnTrace are told of
// single events.
package reactor
