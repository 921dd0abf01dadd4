// Package jetstream is the engine of package broker for more than one node: NATS with JetStream keeps the logs, and carries the publications
// to the nodes that have the channel.
//
// There is one stream for each namespace. A publication's offset is its sequence in the stream. The stream republishes what it has stored, with
// the sequence of the publication before it on the same subject, and a node subscribes to the channels that it has subscribers of, and to no
// others. So each node sees when something is missing, reads it from the stream, and announces as a gap what is there no more. What was lost
// behind the last publication that a node has seen shows by itself only with the next one: therefore positions are compared with the stream,
// every few seconds, after each reconnect, and when the client library has dropped something.
//
// The package never waits: what it has to say to the server goes through a queue with a goroutine of its own, and what the server
// answers goes to callbacks.
//
// What users have acknowledged is kept in a stream beside each namespace's, one message a channel and user, which is read when a subscription begins, and written
// behind acknowledgements, a little later, and only if nobody else has written it meanwhile.
//
// Ownership: an Engine's goroutines are one that writes, one for publications' answers, one for other answers, a few that deliver, one that
// keeps time, and those of the client library. A log is guarded by its mutex, which is held while its sink takes a publication, and never
// while anything is waited for.
package jetstream
