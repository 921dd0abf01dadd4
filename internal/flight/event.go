package flight

import (
	"hash/fnv"
	"time"
)

// Kind is what an Event says has happened.
type Kind uint8

// The kinds, with what A, B, C and D of an Event are.
const (
	_            Kind = iota
	Welcomed          // the client was let in
	Subscribed        // A: channel
	Unsubscribed      // A: channel
	Published         // A: channel
	Acknowledged      // A: channel
	Refused           // a command; A: which of the words, see WordOf; B: channel, 0 for none
	Pinged            // because it was silent
	Congested         // its socket took no more; A: bytes that waited
	Drained           // all that waited has gone out
	Dropped           // publications, Count of them; A: the reactor's reason; B: channel, 0 for an unknown one
	Resumed           // it gets again what it was left out of for being slow; A: channel, 0 for an unknown one
	Gap               // publications that it missed for being slow are not kept any more; A: channel
	Ending            // the reactor closes it; A: cause; B: bytes that wait; C: their age, D: how long the peer was silent, in milliseconds
	numKinds
)

// layout is how a kind is written: its name, and how many of A, B, C and D it has.
type layout struct {
	name string
	args int
}

var layouts = [numKinds]layout{
	Welcomed: {"welcomed", 0}, Subscribed: {"subscribed", 1}, Unsubscribed: {"unsubscribed", 1}, Published: {"published", 1},
	Acknowledged: {"acknowledged", 1}, Refused: {"refused", 2}, Pinged: {"pinged", 0}, Congested: {"congested", 1}, Drained: {"drained", 0},
	Dropped: {"dropped", 2}, Resumed: {"resumed", 1}, Gap: {"gap", 1}, Ending: {"ending", 4},
}

// String is its name in answers.
func (k Kind) String() string {
	if k == 0 || k >= numKinds {
		return "unknown"
	}
	return layouts[k].name
}

// Event is something that has happened to a connection, Count times in a row. See Kind for the rest.
type Event struct {
	Kind       Kind
	At         time.Duration // of the last of them, since the connection was opened; in milliseconds
	Count      uint64
	A, B, C, D uint64
}

// same tells whether f goes on with what e says.
func (e *Event) same(f *Event) bool {
	return e.Kind == f.Kind && e.A == f.A && e.B == f.B && e.C == f.C && e.D == f.D && e.Kind != Congested && e.Kind != Ending
}

// ChannelOf is what events say of a channel instead of its name: a hash, never 0.
func ChannelOf(name string) uint64 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	return max(uint64(h.Sum32()), 1)
}

// channel is the argument of an event that is a channel; 0: it has none.
func (e *Event) channel() uint64 {
	switch e.Kind {
	case Subscribed, Unsubscribed, Published, Acknowledged, Resumed, Gap:
		return e.A
	case Refused, Dropped:
		return e.B
	}
	return 0
}

// words are what commands are refused with, as the dialect has them. Their places are in records: new ones go to the end.
var words = []string{
	"other", "bad_json", "bad_request", "unknown_type", "bad_channel", "too_large", "unauthorized", "permission_denied", "not_subscribed",
	"already_subscribed", "limit", "rate", "unavailable", "internal",
}

// WordOf finds the number of a word; that of "other" for one that is not known, such as a backend's.
func WordOf(word string) uint64 {
	for i, w := range words {
		if w == word {
			return uint64(i)
		}
	}
	return 0
}

// word is the word of a number.
func word(number uint64) string {
	if number >= uint64(len(words)) {
		number = 0
	}
	return words[number]
}
