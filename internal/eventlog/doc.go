// Package eventlog writes the push log, which has a line for each publication, and the access log, which has one for each handshake, request
// and end of a connection. Nobody waits for it: lines go through a bounded queue to one goroutine, and what does not fit is dropped and counted.
//
// It never gets a token, a key or a query string, so that none is ever logged.
//
// Ownership: the files belong to the writing goroutine. A Log's methods are safe from any goroutine.
package eventlog
