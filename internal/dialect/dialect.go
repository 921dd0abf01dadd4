// Package dialect holds what the client protocols share: how a publication becomes the bytes of one form of a topic.
//
// A dialect translates one client protocol to the operations of a session; each has a package of its own below this one.
// They never know a conn, nor each other.
//
// Ownership: a Message borrows; an Encode function appends to what it is given and retains nothing.
package dialect

import "github.com/wsedge/wsedge/internal/broker"

// Message is a publication in its place in a channel.
type Message struct {
	*broker.Publication
	Channel string
	Offset  uint64
	Prev    uint64 // offset of the publication before it
}

// Encode appends m as complete unmasked frames (RFC 6455, section 5.2) in one form. It is called once per publication and
// form, never once per subscriber.
type Encode func(dst []byte, m *Message) []byte

// EncodeGap appends, as a complete unmasked frame in one form, that the publications of a channel with offsets above after and
// below before did not reach a subscriber. nil: the form has no word for it.
type EncodeGap func(dst []byte, channel string, after, before uint64) []byte
