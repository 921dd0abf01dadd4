package reactor

import "github.com/wsedge/wsedge/frame"

// Remote is a Conn in the hands of any goroutine: Conn.Remote makes it, at no cost, and all its methods are safe from everywhere. They hand over to the conn's
// loop and return at once: what is done to one conn by one goroutine is done in that order, after what the loop is doing now. That something was handed over does
// not say that it arrives: the conn may close before. Its bytes count against Config.NodeMaxBytes until they have gone out.
type Remote Conn

// Remote returns the conn for other goroutines. Safe from any goroutine.
func (c *Conn) Remote() *Remote { return (*Remote)(c) }

// Conn returns the conn, whose own methods belong to its loop: to compare it, to leave it out (Topic.BroadcastExcept), or for Conn.Post.
func (r *Remote) Conn() *Conn { return (*Conn)(r) }

// Server returns the server that the conn belongs to.
func (r *Remote) Server() *Server { return r.loop.srv }

// Send hands over one message, text or binary, which it copies: see Conn.Send. ErrOpcode if op is neither; ErrClosed if the server has ended; ErrBacklog if too
// much is on its way, and nothing was handed over.
func (r *Remote) Send(op Opcode, payload []byte) error {
	if !isMessage(op) {
		return ErrOpcode
	}
	b := r.loop.srv.NewBatch(len(payload)+frame.MaxHeaderBytes, 1)
	defer b.Release()
	_ = b.Add(op, payload) // op is fine
	return r.SendBatch(b)
}

// SendBatch hands over all messages of a batch: see Conn.SendBatch. It borrows b, which the caller may release at once; with a batch for many conns each holds the same
// bytes. Errors are those of Send.
func (r *Remote) SendBatch(b *Batch) error {
	s := r.loop.srv
	if s.backlogged() {
		s.counters.backlogged.Add(1)
		return ErrBacklog
	}
	b.frames.Retain()
	if !r.loop.inbox.put(post{kind: postSend, conn: r.Conn(), shared: b.frames, call: b.sendTo}) {
		b.frames.Release()
		return ErrClosed
	}
	return nil
}

// sendTo is SendBatch as a call of the loop. It fails where the conn has closed, which OnClose tells.
func (b *Batch) sendTo(c *Conn) { _ = c.SendBatch(b) }

// Ping hands over a ping: see Conn.Ping. ErrControlTooLong if payload, which is copied, has more than 125 bytes; ErrClosed if the server has ended.
func (r *Remote) Ping(payload []byte) error {
	if len(payload) > frame.MaxControlBytes {
		return ErrControlTooLong
	}
	own := append([]byte(nil), payload...)
	return r.post(func(c *Conn) { _ = c.Ping(own) })
}

// Close begins the close handshake behind all that was handed over before: see Conn.Close. ErrClosed if the server has ended.
func (r *Remote) Close(code CloseCode, reason string) error {
	return r.post(func(c *Conn) { c.Close(code, reason) })
}

// Subscribe makes the conn a subscriber of t, in the first form, if it is none yet: see Conn.Subscribe. What is
// published before its loop has come to that does not reach it: who wants a joiner to see its own notice publishes from Conn.Post. ErrClosed if the server has ended.
func (r *Remote) Subscribe(t *Topic) error {
	return r.post(func(c *Conn) { _ = c.Subscribe(t) })
}

// Unsubscribe ends a subscription, if there is one: see Conn.Unsubscribe. ErrClosed if the server has ended.
func (r *Remote) Unsubscribe(t *Topic) error {
	return r.post(func(c *Conn) { c.Unsubscribe(t) })
}

func (r *Remote) post(fn func(c *Conn)) error {
	if !r.Conn().Post(fn) {
		return ErrClosed
	}
	return nil
}
