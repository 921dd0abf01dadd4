// Package client talks to a wsedge server as a backend and a subscriber do: the HTTP API, and channels over WebSocket.
// It is what the commands of cmd/wsedge are made of.
//
// It shares no code with the server and learns the protocol from docs/PROTOCOL.md alone. It reads no files, flags or
// environment, and writes no key and no token anywhere but into the request.
//
// Ownership: a Client is safe from any goroutine. Callbacks come from the goroutine that called.
package client
