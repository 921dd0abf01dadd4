package reactor

import (
	"errors"
	"runtime/debug"

	"github.com/wsedge/wsedge/frame"
)

// inbound takes what has been read for the conn. It borrows in, the loop's read buffer, and unmasks in place.
func (c *Conn) inbound(in []byte) {
	if c.state == stateHandshaking {
		in = c.handshake(in)
	}
	if len(in) > 0 && (c.state == stateOpen || c.state == stateClosing) {
		c.messages(in)
	}
}

// messages decodes frames and gives messages to the handler. What came before an error is handled first.
func (c *Conn) messages(in []byte) {
	if c.flags&flagHangUp != 0 {
		return
	}
	decoding := c.decoding()
	for len(in) > 0 {
		begun := decoding.Frames
		m, n, err := c.decoder.Next(decoding, in)
		if err != nil {
			c.fail(err)
			return
		}
		in = in[n:]
		if !c.load.add(&c.loop.srv.cfg, decoding.Frames-begun, m.Opcode.IsControl()) && c.class != classDialed {
			m.Release()
			c.tooFast()
			return
		}
		if m.Opcode == frame.OpContinuation {
			break // all consumed, more needed
		}
		if c.decoder.AtRest() {
			c.partialSince = 0 // what is cut behind this one begins now
		}
		c.message(&m)
		m.Release()
		if c.flags&(flagCloseReceived|flagHangUp) != 0 || c.state > stateClosing {
			return // RFC 6455, section 1.4: what follows a close frame is not read
		}
	}
	c.notePartial()
}

// tooFast ends the conn whose peer sends more frames than it may. What it goes on to send is not looked at.
func (c *Conn) tooFast() {
	if c.state == stateOpen {
		c.end(CauseRate)
	}
	c.flags |= flagHangUp
}

// message handles one message or control frame.
func (c *Conn) message(m *frame.Message) {
	switch m.Opcode {
	case frame.OpPing:
		if c.state == stateOpen {
			c.putFrame(frame.OpPong, m.Payload)
		}
	case frame.OpPong: // life was noted already
	case frame.OpClose:
		c.peerClose(m.Payload)
	default:
		if c.state == stateOpen {
			c.loop.stats.messagesIn.Add(1)
			c.callMessage(m.Opcode, m.Payload)
		}
	}
}

// notePartial starts, or forgets, the clock of an unfinished message.
func (c *Conn) notePartial() {
	l := c.loop
	timeout := l.srv.cfg.MessageTimeout
	switch {
	case c.state != stateOpen || timeout < 0:
	case !c.unfinished():
		c.partialSince = 0
	case c.partialSince == 0:
		c.partialSince = l.wheel.now
		l.wheel.set(c, min(c.due, l.wheel.now+ticks(timeout)))
	}
}

// unfinished tells that a part of a message, or of a TLS record, has come.
func (c *Conn) unfinished() bool {
	return !c.decoder.AtRest() || c.flags&flagSealed != 0 && c.more.sealed.session.Partial()
}

// fail ends the conn because of what the peer sent: a close frame with the code of the error, and no reply awaited.
func (c *Conn) fail(err error) {
	var violation *frame.Error
	if !errors.As(err, &violation) {
		violation = &frame.Error{Code: frame.CloseProtocolError, Reason: "protocol_error"}
	}
	c.loop.srv.counters.violation(violation.Reason)
	if c.state == stateClosing { // our close frame is out, and it was the last
		c.flags |= flagHangUp
		return
	}
	c.beginClose(violation.Code, violation.Reason, flagHangUp, End{Code: violation.Code, Reason: violation.Reason, Err: err})
}

// callMessage calls the handler.
func (c *Conn) callMessage(op frame.Opcode, payload []byte) {
	defer c.recoverHandler()
	c.loop.srv.cfg.Handler.OnMessage(c, op, payload)
}

func (c *Conn) callOpen() {
	defer c.recoverHandler()
	c.loop.srv.cfg.Handler.OnOpen(c)
}

// recoverHandler ends the conn whose handler has panicked, and nothing else.
func (c *Conn) recoverHandler() {
	r := recover()
	if r == nil {
		return
	}
	c.loop.srv.notePanic(r)
	if c.state == stateOpen {
		c.end(CausePanic)
	}
}

// notePanic counts and logs what a handler has panicked with. It is called where that was recovered.
func (s *Server) notePanic(r any) {
	s.counters.panics.Add(1)
	s.cfg.Logger.Error("handler panicked", "panic", r, "stack", string(debug.Stack()))
}
