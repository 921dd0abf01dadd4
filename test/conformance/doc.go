// Package conformance judges WebSocket servers: the 517 cases of the well-known conformance suite for RFC 6455 and
// RFC 7692, by their ids and at their strict outcome, and rows of our own for what that suite does not ask.
//
// It has a raw client that can say anything, legal or not, and a validator that reads every byte a server sends: framing,
// order, close codes, UTF-8, and, by an inflater of its own, that no compressed message needs a larger window than
// agreed. It shares no code with what it judges. Each case runs in three write modes: as it is, byte by byte (of the
// families 9, 12 and 13, whose messages are large, the first and last KiB and small odd pieces between), and joined, with
// all that is said without waiting in one write.
//
// No case waits for time to pass: where the suite waits a while for what must not come, a close handshake, whose answer
// comes behind all that the server has to say, takes that place.
//
//	go test ./test/conformance -run TestConformance -v
//	go test ./test/conformance -run TestConformance -v -conformance.url ws://127.0.0.1:9001/ -conformance.count 1000
//
// Ownership: a session belongs to the goroutine that runs its case; one more reads from the socket and hands over events.
package conformance
