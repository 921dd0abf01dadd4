package edge

import (
	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/reactor"
)

// maxReplies bounds the replies that may wait behind an engine that is slow to answer. A client that asks on regardless is
// closed: 1,024 replies of at most some 600 B.
const maxReplies = 1024

// replies keeps the replies to one client in the order of its commands, while an engine owes the answer to one of them. It
// exists only then. Owned by the loop.
type replies struct {
	queue []*reply
}

// reply is one place in that order.
type reply struct {
	say func(c *reactor.Conn) // nil: not known yet
}

// reserve takes the next place for an answer that comes later.
func (r *replies) reserve() *reply {
	slot := &reply{}
	r.queue = append(r.queue, slot)
	return slot
}

// flush says what is known, up to the first answer that is not.
func (r *replies) flush(c *reactor.Conn) {
	for len(r.queue) > 0 && r.queue[0].say != nil {
		r.queue[0].say(c)
		r.queue = r.queue[1:]
	}
}

// text is a reply that is ready. It takes ownership of payload.
func text(payload []byte) func(*reactor.Conn) {
	return func(c *reactor.Conn) { send(c, payload) }
}

// send queues a reply on the conn. A conn that is closed by now has been told of its own end, so the error has no reader.
func send(c *reactor.Conn, payload []byte) { _ = c.Send(frame.OpText, payload) }
