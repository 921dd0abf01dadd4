package reactor

import (
	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/pool"
)

// Batch is messages that several conns are sent alike, one behind the other: they are framed once, and held once, however many conns
// they wait for. It is made by one goroutine, which may hand it on behind the last Add; from then on it is safe from any goroutine.
type Batch struct {
	// Immutable behind the last Add.
	srv      *Server
	frames   *pool.Shared // one reference is the Batch's
	messages []batched
}

// batched is where one message is in the bytes of a batch.
type batched struct {
	op       frame.Opcode
	from, to int // of its payload
}

// NewBatch returns an empty batch, with room for so many bytes and messages. The caller owns it.
func (s *Server) NewBatch(bytes, messages int) *Batch {
	return &Batch{srv: s, frames: pool.NewShared(bytes), messages: make([]batched, 0, messages)}
}

// Add adds a message; it copies payload. It must not be called when the batch has been sent to anybody. op is OpText or OpBinary.
func (b *Batch) Add(op Opcode, payload []byte) error {
	if !isMessage(op) {
		return ErrOpcode
	}
	b.frames.SetBytes(frame.AppendFrame(b.frames.Bytes(), op, payload))
	end := b.frames.Len()
	b.messages = append(b.messages, batched{op, end - len(payload), end})
	b.srv.charge(b.frames)
	return nil
}

// Len is how many bytes it has on the wire, for a conn without compression.
func (b *Batch) Len() int { return b.frames.Len() }

// Retain gives the batch another owner. The caller must be one.
func (b *Batch) Retain() { b.frames.Retain() }

// Release takes leave of it. What is on its way to conns stays until it has gone out.
func (b *Batch) Release() { b.frames.Release() }

// SendBatch queues all messages of a batch, as Send does with each of them. It borrows b.
func (c *Conn) SendBatch(b *Batch) error {
	c.loop.check()
	if c.state != stateOpen {
		return ErrClosed
	}
	if c.class != classPlain || c.flags&flagNoCoalesce != 0 {
		return c.sendEach(b)
	}
	if len(b.messages) > 0 {
		c.loop.stats.messagesOut.Add(int64(len(b.messages)))
		b.frames.Retain()
		c.loop.gather(c, entry{shared: b.frames, common: true})
	}
	return nil
}

// sendEach is SendBatch for a conn whose messages have to be made, or written, one by one.
func (c *Conn) sendEach(b *Batch) error {
	frames := b.frames.Bytes()
	for _, m := range b.messages {
		if err := c.Send(m.op, frames[m.from:m.to]); err != nil {
			return err
		}
	}
	return nil
}
