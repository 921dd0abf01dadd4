// Package edge is the push server: it wires the reactor, the hub of channels, the dialects, who may do what, the limits, the webhooks, the
// HTTP API and what operators look at into one server.
//
// The way of a client: admit (limits of its address) and upgrade (origin, token) make its conversation, a session or a rawSession; enter and
// letIn decide who it is and whether it may come in; then each message goes through message, turns (where a backend is asked), carryOut
// and run. The way of a publication is the hub's.
//
// It never reads flags, environment or files, never holds a lock while it waits for a client, and keeps no goroutine per
// connection.
//
// Ownership: a session belongs to its conn's loop, and everything in it is touched there only. The registry of clients, the books of the gate and
// of named users, the limiter and the hub are shared and lock for themselves. HTTP handlers run on goroutines of net/http.
package edge
