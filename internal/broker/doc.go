// Package broker is the seam between the push server and what keeps its channels' logs: it gives every publication its
// place in its channel, keeps as much of the past as it is told to, and says what a channel's present position is, what
// a subscriber has missed since an earlier one, and what each user has acknowledged.
//
// Memory is the engine in the process itself, which answers at once. Others ask somebody else first (Remote): packages jetstream and embedded. Their answers
// come later, from any goroutine; they deliver what other nodes publish as well.
//
// The package never knows a connection, a client's protocol or a topic.
//
// Ownership: a Log is held by one channel of the hub, and may be used from any goroutine. A Publication's Data belongs to
// the engine from the moment it is published, and nobody changes it after that.
package broker
