package reactor

import (
	"github.com/wsedge/wsedge/frame"
)

// DeflateOptions describe permessage-deflate (RFC 7692). The zero value is a safe choice.
//
// Compression costs CPU for what is sent by Conn.Send, and once per publication, however many subscribers there are. It must
// stay off for messages that hold a secret beside text that an attacker can choose: their length tells about the secret
// (CRIME, BREACH). Accept.NoDeflate does that for one conn.
type DeflateOptions struct {
	// MinBytes leaves shorter messages as they are: compressing them costs more than it saves. Default 512.
	MinBytes int
	// Level is 1 (fastest) to 9 (smallest), for windows of 32 KiB; smaller ones have a level of their own. Default 1.
	Level int
	// Takeover lets messages refer to earlier ones of the same conn, which shrinks small ones that resemble each other. It
	// works for Conn.Send while the conn is not subscribed, and for what the peer sends. A conn costs two windows then,
	// 1 << WindowBits bytes each; that of a peer which cannot bound its own, 32 KiB. Off by default.
	Takeover bool
	// WindowBits is the size of windows under Takeover: 9 to 15. Default 12: 4 KiB.
	WindowBits int
	// TakeoverMaxConns bounds the conns with context takeover; what comes above it does without. Default 10,000, which is
	// 360 MB at most with the default window.
	TakeoverMaxConns int
}

// withDefaults fills the fields left zero, and reports what is wrong with the others.
func (o DeflateOptions) withDefaults(wrong complaint) DeflateOptions {
	setDefault(&o.MinBytes, 512)
	setDefault(&o.Level, 1)
	setDefault(&o.WindowBits, 12)
	setDefault(&o.TakeoverMaxConns, 10_000)
	if o.MinBytes < 0 {
		wrong("Deflate.MinBytes", "%d, must not be negative", o.MinBytes)
	}
	if o.Level < 1 || o.Level > 9 {
		wrong("Deflate.Level", "%d, want 1 to 9", o.Level)
	}
	if o.WindowBits < frame.MinWindowBits || o.WindowBits > frame.MaxWindowBits {
		wrong("Deflate.WindowBits", "%d, want %d to %d", o.WindowBits, frame.MinWindowBits, frame.MaxWindowBits)
	}
	if o.TakeoverMaxConns < 0 {
		wrong("Deflate.TakeoverMaxConns", "%d, must not be negative", o.TakeoverMaxConns)
	}
	return o
}

// Compression classes: conns of one class get the same bytes of a publication. A stream for a small window is
// good for every larger one, so three are enough for the seven sizes. Conns that were dialed have a class of their own, because what a client sends is masked.
type deflateClass uint8

const (
	classPlain deflateClass = iota // nothing negotiated
	class15
	class12
	class9
	classDialed
	numClasses
)

// windowBits is the window that the streams of each class need.
var windowBits = [numClasses]uint8{class15: 15, class12: 12, class9: 9}

// classOf returns the class for a peer's window.
func classOf(bits uint8) deflateClass {
	switch {
	case bits == windowBits[class15]:
		return class15
	case bits >= windowBits[class12]:
		return class12
	default:
		return class9
	}
}

// takeover is what a conn with context takeover keeps beside its 128 bytes. Owned by the loop.
type takeover struct {
	decoding frame.DecoderConfig
	out      *frame.Window // nil: the peer wants none
}

// negotiateDeflate decides on compression for a handshake that is about to be accepted. It returns the header line to
// answer with, "" for none.
func (c *Conn) negotiateDeflate(r *frame.Request) string {
	s := c.loop.srv
	o := s.cfg.Deflate
	policy := frame.DeflatePolicy{WindowBits: uint8(o.WindowBits)}
	policy.Takeover = o.Takeover && s.takeovers.Load() < int64(o.TakeoverMaxConns)
	d, ok := r.NegotiateDeflate(policy)
	if !ok {
		return ""
	}
	c.class = classOf(d.ServerWindowBits)
	if d.ServerTakeover || d.ClientTakeover {
		c.takeOver(d)
	}
	return string(frame.AppendDeflate(nil, d))
}

// takeOver gives the conn the windows that were agreed on.
func (c *Conn) takeOver(d frame.Deflate) {
	l := c.loop
	t := &takeover{decoding: decodingOf(&l.srv.cfg)}
	t.decoding.Inflater = l.deflated.Inflater
	if d.ClientTakeover {
		t.decoding.Window = frame.NewWindow(d.ClientWindowBits)
	}
	if d.ServerTakeover {
		t.out = frame.NewWindow(windowBits[c.class])
	}
	c.flags |= flagTakeover
	l.takeovers[c] = t
	l.srv.takeovers.Add(1)
}

// dropTakeover forgets the windows of a conn that is going.
func (c *Conn) dropTakeover() {
	if c.flags&flagTakeover == 0 {
		return
	}
	c.flags &^= flagTakeover
	delete(c.loop.takeovers, c)
	c.loop.srv.takeovers.Add(-1)
}

// decoding is how what the peer sends is decoded.
func (c *Conn) decoding() *frame.DecoderConfig {
	l := c.loop
	switch {
	case c.class == classPlain:
		return &l.plain
	case c.class == classDialed:
		return &l.dialed
	case c.flags&flagTakeover == 0:
		return &l.deflated
	default:
		return &l.takeovers[c].decoding
	}
}

// putCompressed queues a message that is long enough to be compressed; it copies payload.
func (c *Conn) putCompressed(op frame.Opcode, payload []byte) {
	l := c.loop
	d := l.deflater(c.class)
	window := c.outWindow()
	if l.corked == c && len(payload) < directBytes {
		l.cork, _ = d.AppendFrame(l.cork, op, payload, window)
		l.spillCork()
		return
	}
	l.gather(c, entry{shared: newShared(len(payload), func(dst []byte) []byte {
		dst, _ = d.AppendFrame(dst, op, payload, window)
		return dst
	})})
}

// outWindow returns the context that the next message to the peer may refer to; nil for none. Publications are compressed
// for many conns and become part of the peer's window without being part of ours: while there may be some, every message
// stands alone, and behind them a new context begins.
func (c *Conn) outWindow() *frame.Window {
	if c.flags&flagTakeover == 0 || c.sub.topic != nil {
		return nil
	}
	w := c.loop.takeovers[c].out
	if c.flags&flagForeign != 0 {
		c.flags &^= flagForeign
		w.Reset()
	}
	return w
}

// deflater returns the loop's compressor for a class.
func (l *loop) deflater(class deflateClass) *frame.Deflater {
	if l.deflaters[class] == nil {
		l.deflaters[class] = frame.NewDeflater(windowBits[class], l.srv.cfg.Deflate.Level)
	}
	return l.deflaters[class]
}

// compress returns the wire bytes of a publication with its messages compressed for a class, and whether any of them got
// shorter by it. Safe from any goroutine.
func (s *Server) compress(dst, wire []byte, class deflateClass) ([]byte, bool) {
	d, _ := s.deflaters[class].Get().(*frame.Deflater)
	if d == nil {
		d = frame.NewDeflater(windowBits[class], s.cfg.Deflate.Level)
	}
	defer s.deflaters[class].Put(d)
	return d.AppendFrames(dst, wire, s.cfg.Deflate.MinBytes)
}
