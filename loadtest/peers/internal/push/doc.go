// Package push is what the broadcast servers of the rivals have in common: the publish endpoint, the envelope and the set of
// subscribers. It never touches a WebSocket connection: how a message is written to each is the rival's own business.
//
// There is one channel, and nothing of what a push server needs beside it: no limits, no history, no permissions. Each rival is
// thereby measured at its least, as the floor is.
//
// # Ownership
//
// A Hub is guarded by its own mutex; all of its methods are safe from any goroutine.
package push
