// Package reactor runs WebSocket connections on a few event loops: no goroutine per connection, no buffer for a
// connection at rest, and one write per connection and turn however much has gathered for it.
//
// A program gives a [Handler] to [Listen] and gets a [Server]. The handler is told when a connection opens, when a
// message arrives and when it closes; it answers with [Conn.Send]. A [Topic] is a set of connections that get the same
// bytes: [Topic.Broadcast] encodes a frame once, and every loop sends it to its own subscribers.
//
// A Server listens on a port of its own, on which everything that is no WebSocket goes to net/http, or is an [http.Handler] in
// a program that has a port and a router already: see [Server.ServeHTTP]. Or both.
//
// The package never parses JSON, never stores a message for later, and knows no user. No type of the poller underneath
// shows in its API.
//
// # Ownership
//
// A conn belongs to one loop for life. All handler callbacks for it run on that loop, and so must all calls of its
// methods, except those marked "Safe from any goroutine". A handler must not block: every other connection of the loop
// waits for it. Code on other goroutines reaches a conn with [Conn.Post], and all subscribers of a topic with
// [Topic.Publish]. Built with the tag wsedge_debug, a call from a wrong goroutine panics.
//
// The payload that OnMessage gets is a view of the loop's read buffer: valid, and free to be changed, until it returns.
package reactor
