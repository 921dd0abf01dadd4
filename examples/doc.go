// Package examples has small servers on package reactor, a directory each, every one a program to start from. They are what tutorials on
// WebSockets begin with, and their clients connect.
//
//	hello      answers every text; both sides see the close
//	heartbeat  an application's own heartbeat: the text ping is answered with pong, who is silent is closed
//	handler    a set of connected users; a push to all, or to one; whose pages may connect
//	echo       sends every message back: text, binary, in fragments
//
// go run ./examples/hello starts one; -addr says where it listens. They are tested with npm's ws, Python's websockets and Chromium
// (test/integration). cmd/wschat is larger: what an application owes its users.
//
// Ownership: none; there is no code here.
package examples
