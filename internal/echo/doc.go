// Package echo is a WebSocket server that sends every message back, on every path: the plainest use of the reactor, for
// conformance suites and load tools.
//
// It never speaks a dialect: no subprotocol is chosen, and any Origin is welcome, as there is nothing behind it.
//
// Ownership: it keeps no state of its own.
package echo
