package reactor

import (
	"runtime/debug"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/wsedge/wsedge/frame"
)

// beginClose queues the close frame, takes the conn out of everything, and lets the handler know at the end of the turn.
func (c *Conn) beginClose(code frame.CloseCode, reason string, flags connFlags, end End) {
	l := c.loop
	c.leaveAll()
	var scratch [frame.MaxHeaderBytes + frame.MaxControlBytes]byte
	closing := frame.AppendClose(scratch[:0], code, reason)
	if c.class == classDialed {
		closing = frame.AppendMaskedFrames(nil, closing, c.loop.maskingKey)
	}
	c.putBytes(closing)
	c.state = stateClosing
	c.flags |= flags
	end.RemoteAddr = c.peerAddr()
	l.ended = append(l.ended, ended{c, end})
	l.wheel.set(c, l.wheel.now+ticks(l.srv.cfg.CloseTimeout))
}

// end closes the conn for a reason of the server's own.
func (c *Conn) end(cause Cause) {
	code, reason := c.callCloseCode(cause)
	if c.state != stateOpen {
		return // the hook has closed it
	}
	c.loop.stats.ends[cause].Add(1)
	c.trace(TraceEnd, cause, 0)
	if cause == CauseSlow {
		c.flags |= flagSlow
		if c.out != nil {
			c.out.dropWaiting(c)
		}
	}
	c.beginClose(code, reason, 0, End{Code: code, Reason: reason})
}

// callCloseCode asks the embedder. After a panic it is as if there was no hook.
func (c *Conn) callCloseCode(cause Cause) (code frame.CloseCode, reason string) {
	s := c.loop.srv
	if s.cfg.CloseCode == nil {
		return cause.Default()
	}
	defer func() {
		if p := recover(); p != nil {
			s.counters.panics.Add(1)
			s.cfg.Logger.Error("close code hook panicked", "panic", p, "stack", string(debug.Stack()))
			code, reason = cause.Default()
		}
	}()
	return s.cfg.CloseCode(c, cause)
}

// peerClose handles the peer's close frame: the first is answered with its own code (RFC 6455, section 5.5.1).
func (c *Conn) peerClose(payload []byte) {
	code, reason, err := frame.ParseClose(payload)
	if err != nil {
		c.fail(err)
		return
	}
	if c.state == stateOpen {
		end := End{Code: code, Reason: string(reason), Remote: true}
		c.beginClose(code, "", flagCloseReceived, end)
		return
	}
	c.flags |= flagCloseReceived
}

// outputDone is called whenever the conn's output may all have gone out. A conn that has said its last word then shuts its
// side down and waits a moment for the peer to do the same: closed at once, unread input would make the kernel reset
// the connection, and the last bytes would be lost.
func (c *Conn) outputDone() {
	if c.loop.corked == c { // what it says last may be in the cork; uncork comes here again
		return
	}
	if c.state != stateClosing || c.out != nil || c.gathered != 0 || c.flags&(flagHangUp|flagCloseReceived) == 0 {
		return
	}
	if !c.sayEnd() {
		return // once the socket has taken it, this is called again
	}
	l := c.loop
	c.state = stateLingering
	c.decoder.Reset(c.decoding())
	_ = unix.Shutdown(int(c.fd), unix.SHUT_WR)
	l.wheel.set(c, l.wheel.now+ticks(l.srv.cfg.LingerTimeout))
}

// abort closes the socket at once, because of an error on it.
func (c *Conn) abort(errno syscall.Errno) {
	if c.state == stateClosed {
		return
	}
	c.loop.stats.aborts.Add(1)
	c.gone(errno)
	c.closeSocket()
}

// closeSocket makes the engine close the descriptor.
func (c *Conn) closeSocket() {
	_ = c.loop.el.Close(c.raw)
}

// gone is where every conn ends: its socket is closed, or about to be. It gives back all that the conn holds.
func (c *Conn) gone(err error) {
	if c.state == stateClosed {
		return
	}
	l := c.loop
	was := c.state
	if was == stateOpen {
		c.leaveAll()
		l.ended = append(l.ended, ended{c, End{Code: frame.CloseAbnormal, Err: err, RemoteAddr: c.peerAddr()}})
	}
	c.state = stateClosed
	c.leaveNewcomer()
	if l.corked == c {
		l.emptyCork()
	}
	c.countLost()
	l.dropGathered(c)
	c.relax()
	c.decoder.Reset(c.decoding())
	c.dropTakeover()
	c.dropSession()
	if h := l.heads[c]; h != nil {
		h.buf.Release()
		delete(l.heads, c)
	}
	delete(l.announced, c)
	l.wheel.remove(c)
	l.srv.leave(c, was)
}

// countLost counts the publications that die with the conn.
func (c *Conn) countLost() {
	if c.out == nil {
		return
	}
	for i := range c.out.entries {
		c.loop.stats.drops[DropPeerGone].Add(int64(c.out.entries[i].frames))
		c.loop.receipts.lost(c.out.entries[i].shared)
	}
}
