// Command wsload puts load on a WebSocket push server and tells whether every message arrived.
//
//	wsload fanout ws://127.0.0.1:8080/ws --conns 5000 --rate 8
//
// It reads the command line and prints; all else is package loadtest. It exits with 0 if everything was delivered once, in
// order and unharmed, with 1 if not, with 2 for a command line that makes no sense, with 3 if an expectation was not met, and
// with 4 if the generator was the bottleneck.
//
// # Ownership
//
// main owns the signals and the files; a run owns everything it opens.
package main
