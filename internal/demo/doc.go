// Package demo is the page at /: a client of the native dialect to try the server with.
//
// It never loads anything but itself: one embedded file, whose own style and script are all that its Content-Security-Policy
// lets run.
//
// Ownership: the handler is immutable, and safe from any goroutine.
package demo
