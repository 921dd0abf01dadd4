// Package flight records the last events of each connection, in at most 256 bytes of it, so that it can be said afterwards why a connection
// ended. What is recorded are changes, such as a subscription, a refusal or a socket that takes nothing any more; never a delivery, and
// never what was said.
//
// It knows no conn and no protocol, does no I/O, and starts no goroutine.
//
// Ownership: a Recorder is safe from any goroutine. Flights are guarded by the lock of their shard; a Report is the caller's.
package flight
