// Package peers holds what wsedge is measured against. It is a Go module of its own, so that the dependencies of a rival
// server never reach those who import wsedge.
//
// The directory echo holds one echo server per rival library, each with the settings that its authors would choose for speed;
// loadtest/compare-echo.sh runs them in turns with `wsedge echo`. What they share is in internal/push.
//
// The directory broadcast holds one broadcast server per rival library, each written as its own documentation recommends for
// that; loadtest/bench-peers.sh runs them in turns with the floor and `wsedge serve`, and table makes a page of the results.
//
// The directory protocol holds servers that speak protocols of their own, on which wsload's recipes for them are tested.
//
// The directory tls is server and client for what TLS costs in the loops of package reactor, which it uses like any embedder, from this
// work tree; loadtest/compare-tls.sh runs it in its modes in turns.
//
// The directory floor has no Go in it: it is a bare send loop in C, the least that any server could do. Only tls and the
// tests of protocol link to anything of wsedge, and nothing of wsedge imports this package.
//
// # Ownership
//
// Each peer is a program that runs in a process of its own; they share no state with the load tool.
package peers
