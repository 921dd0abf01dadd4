// Package ticket makes and reads resume tickets: what a server knows of a client, sealed with a key of the servers, for the client to keep and
// to come back with. A server that gets one back needs no token, no other server and no memory of its own to know who that is, and what the client
// was subscribed to.
//
// It never does I/O, never logs, and never decides: whether what a ticket says still counts (its token may have expired or been
// revoked, permissions may have changed) is for who opens it.
//
// Ownership: a Box is safe from any goroutine. A Ticket that was opened belongs to the caller.
package ticket
