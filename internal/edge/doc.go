// Package edge is the push server: it wires the reactor, the hub of channels, the dialects, the HTTP API and the console
// into one server on one port.
//
// There is development mode only, so far: whoever reaches the port may subscribe and publish. It never reads flags,
// environment or files, never holds a lock while it waits for a client, and keeps no goroutine per connection.
//
// Ownership: a session belongs to its conn's loop, and everything in it is touched there only. The registry of clients
// and the hub are shared and lock for themselves. HTTP handlers run on goroutines of net/http.
package edge
