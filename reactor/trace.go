package reactor

import (
	"runtime/debug"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// TraceKind says what a Trace is about.
type TraceKind uint8

const (
	// TraceCongested: the socket has not taken all that was sent, and the rest waits.
	TraceCongested TraceKind = iota
	// TraceDrained: all that waited has gone out.
	TraceDrained
	// TracePing: a ping was sent, because the peer has been silent.
	TracePing
	// TraceEnd: the reactor is about to close the conn by itself.
	TraceEnd
)

// Trace is a change of what a conn's output or its heartbeat is like: see Config.OnTrace.
type Trace struct {
	Kind TraceKind
	// Cause is why the conn ends, of TraceEnd.
	Cause Cause
	// Bytes is how many wait, on the wire; what does not fit any more is not counted.
	Bytes int64
	// Age is how long the oldest of them has waited, and Silent for how long nothing has come from the peer; both in steps of a tenth of a
	// second, less what a stall of the process was forgiven.
	Age, Silent time.Duration
}

// trace tells the embedder of a change, if it wants to know. There are none per message or delivery.
func (c *Conn) trace(kind TraceKind, cause Cause, bytes int64) {
	if c.loop.srv.cfg.OnTrace != nil {
		c.callTrace(kind, cause, bytes)
	}
}

func (c *Conn) callTrace(kind TraceKind, cause Cause, bytes int64) {
	s, now := c.loop.srv, c.loop.wheel.now
	t := Trace{Kind: kind, Cause: cause, Bytes: bytes, Silent: time.Duration(now-c.lastInbound) * tickPeriod}
	if c.out != nil {
		t.Age = time.Duration(now-c.oldestOutput()) * tickPeriod
		t.Bytes = max(t.Bytes, c.out.bytes)
		if kind != TraceCongested && c.cipherWaits() {
			t.Bytes += int64(len(c.more.sealed.cipher))
		}
	}
	defer func() {
		if p := recover(); p != nil {
			s.counters.panics.Add(1)
			s.cfg.Logger.Error("trace hook panicked", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	s.cfg.OnTrace(c, t)
}

// tellRefusal tells the embedder of a handshake that was refused, if it wants to know.
func (c *Conn) tellRefusal(h *frame.HandshakeError) {
	s := c.loop.srv
	if s.cfg.OnRefusal == nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			s.counters.panics.Add(1)
			s.cfg.Logger.Error("refusal hook panicked", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	s.cfg.OnRefusal(c, h)
}
