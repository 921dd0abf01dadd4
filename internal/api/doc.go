// Package api is the HTTP interface for backends: publish, subscribe, disconnect, presence, history and the like, each
// a path below /api/, or many of them in one batch.
//
// It takes and gives JSON whatever the Content-Type says, with the words of the native dialect. It never changes a
// publication's bytes, and decides by the API key alone who may ask what.
//
// Ownership: handlers run on goroutines of net/http and share only the hub, which locks for itself.
package api
