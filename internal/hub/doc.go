// Package hub holds the channels of this node: names to logs and topics.
//
// A channel exists while somebody uses it, for a while afterwards, and while its log keeps something; then it is dropped, and a later use begins a new
// epoch. The hub never knows a session or a client's protocol, and it never waits: what takes time is the engine's, which
// answers later.
//
// Ownership: the maps belong to their shards' mutexes, which are held for a look-up only, never while publishing. A channel's
// order is the log's business: giving an offset and posting to the topic is one step under the log's mutex.
package hub
