package cluster

import (
	"encoding/json"
	"errors"
)

// Subjects.
const (
	all = "all"  // is heard by all nodes
	one = "one." // with its id behind it, by one
)

// Wire carries messages between the nodes of one deployment: at most once, and those of one node in their order.
type Wire interface {
	// Say sends data to all who hear the subject, this node too. It never waits, and takes ownership of data. Without a connection it is lost.
	Say(subject string, data []byte)
	// Hear has take called with what is said of a subject, one at a time, until the wire ends. take borrows its argument.
	Hear(subject string, take func(data []byte)) error
}

// MaxMessage bounds one message, in bytes.
const MaxMessage = 512 << 10

// Errors of Tell and Ask.
var (
	ErrTooLarge = errors.New("cluster: larger than a message may be")
	ErrBusy     = errors.New("cluster: too many questions are open")
	ErrClosed   = errors.New("cluster: closed")
)

// kind says what a message is. Nodes of other versions may send others, which are passed over.
type kind string

const (
	beat   kind = "beat"   // the node lives; comes once in a while
	hello  kind = "hello"  // likewise, to let a newcomer know
	bye    kind = "bye"    // it ends
	tell   kind = "tell"   // for a topic's handler
	ask    kind = "ask"    // likewise, and an answer is wanted
	answer kind = "answer" // is one
)

// message is what goes over the wire, as JSON, so that nodes of different versions understand each other.
type message struct {
	Kind kind   `json:"kind"`
	From string `json:"from"`
	// Seq counts what a node has said to all, so that those who hear it know when something is missing.
	Seq    uint64          `json:"seq,omitempty"`
	Topic  string          `json:"topic,omitempty"`
	Number uint64          `json:"number,omitempty"` // of a question, and of its answers
	Node   *Node           `json:"node,omitempty"`   // with beat and hello
	None   bool            `json:"none,omitempty"`   // the answer of a node that does not know the topic
	Body   json.RawMessage `json:"body,omitempty"`
}
