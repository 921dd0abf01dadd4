// Package routers mounts a reactor.Server in the routers that Go programs use, behind their middleware, and speaks to it by a WebSocket client
// of its own. It is a module of its own, as none of that is for users of wsedge.
//
// Ownership: each test starts what it needs, and ends it.
package routers
