// Package demo is the page at /: a client of the native dialect to try the server with.
//
// It never loads anything but itself and the server's client, wsedge.js: one embedded file, whose own style and script, and that, are all that its
// Content-Security-Policy lets run.
//
// Ownership: the handler is immutable, and safe from any goroutine.
package demo
