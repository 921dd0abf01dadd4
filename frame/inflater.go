package frame

import (
	"bufio"
	"errors"
	"io"

	"github.com/klauspost/compress/flate"
)

const (
	// inflateSlack is how much longer than the message limit a compressed message may be. DEFLATE adds 5 bytes to a block
	// that it cannot shrink, and a sender may flush as often as it likes.
	inflateSlack = 64 << 10

	// maxFinalBlocks bounds the streams that one message may be made of (RFC 7692, section 7.2.3.4): each costs the copy of
	// a window.
	maxFinalBlocks = 8

	// inflateTail stands in for what the sender has left off, and ends the stream.
	inflateTail = flushTail + "\x01\x00\x00\xff\xff"
)

// Inflater undoes the compression of permessage-deflate (RFC 7692, section 7.2.2). It holds about 40 KB, and 32 more once a
// message of several streams has come. Nothing of a message is used for the next, so one is shared by all Decoders of a
// goroutine, to which it is confined.
type Inflater struct {
	// Messages counts the compressed messages of all Decoders, Compressed their bytes as they came, and Inflated those of the
	// messages themselves; what failed is not in it.
	Messages, Compressed, Inflated uint64

	flate  io.Reader
	buffer *bufio.Reader
	in     deflated
	out    inflated
	recent *Window // scratch: what a further stream may refer to
}

// NewInflater returns an Inflater.
func NewInflater() *Inflater {
	f := &Inflater{recent: NewWindow(MaxWindowBits)}
	f.buffer = bufio.NewReader(&f.in)
	f.flate = flate.NewReader(f.buffer)
	return f
}

// message inflates a compressed message: wire, which it empties, and last behind it.
func (f *Inflater) message(cfg *DecoderConfig, op Opcode, wire *assembly, last []byte) (Message, *Error) {
	compressed := wire.size() + len(last)
	f.in = deflated{wire: *wire, last: last, left: int64(compressed + len(inflateTail))}
	*wire = assembly{}
	f.out = inflated{cfg: cfg, in: &f.in, text: op == OpText}
	f.buffer.Reset(&f.in)
	err := f.run(cfg.Window.bytes())
	f.in.wire.release()
	out := f.out
	f.in, f.out = deflated{}, inflated{}
	if err == nil && !out.complete() {
		err = ErrInvalidUTF8
	}
	if err != nil {
		out.payload.release()
		return Message{}, err
	}
	m, err := out.payload.finish(cfg, op, nil)
	if err != nil {
		out.payload.release()
		return m, err
	}
	f.Messages++
	f.Compressed += uint64(compressed)
	f.Inflated += uint64(len(m.Payload))
	cfg.Window.add(m.Payload)
	return m, err
}

// run inflates all there is. A stream may end before the message does; then another follows, which may refer back, too.
func (f *Inflater) run(context []byte) *Error {
	for range maxFinalBlocks {
		_ = f.flate.(flate.Resetter).Reset(f.buffer, f.history(context)) // never fails
		_, err := f.flate.(io.WriterTo).WriteTo(&f.out)
		switch {
		case f.out.failed != nil:
			return f.out.failed
		case err != nil:
			return ErrInvalidDeflate
		case f.in.left == 0 && f.buffer.Buffered() == 0:
			return nil
		}
	}
	return ErrTooManyFinalBlocks
}

// deflated is the reader of a compressed message. Each piece is given back when it has been read.
type deflated struct {
	wire assembly // owned
	read int      // bytes of its first buffer
	last []byte
	tail int   // bytes of inflateTail
	left int64 // bytes to come, the tail included
}

func (d *deflated) Read(p []byte) (n int, err error) {
	switch {
	case d.wire.first != nil:
		piece := d.wire.first.Bytes()
		n = copy(p, piece[d.read:])
		if d.read += n; d.read == len(piece) {
			d.wire.pop().Release()
			d.read = 0
		}
	case len(d.last) > 0:
		n = copy(p, d.last)
		d.last = d.last[n:]
	default:
		n = copy(p, inflateTail[d.tail:])
		d.tail += n
		if n == 0 {
			return 0, io.EOF
		}
	}
	d.left -= int64(n)
	return n, nil
}

// inflated takes what comes out, and stops the work as soon as that is too much, or no text.
type inflated struct {
	cfg     *DecoderConfig
	in      *deflated
	payload assembly
	size    int64
	text    bool
	utf8    textState
	failed  *Error
}

var errStop = errors.New("stop inflating")

// Write fails as soon as the message is over its limit; or with what of it has come, in and out, over the limit and a
// slack, which no sender that compresses honestly does, so that a message never costs more than that.
func (o *inflated) Write(p []byte) (int, error) {
	o.size += int64(len(p))
	limit := o.cfg.maxMessageBytes()
	switch {
	case o.size > limit || o.size+o.in.left > limit+inflateSlack:
		o.failed = ErrMessageTooBig
	case o.text && !o.utf8.check(p):
		o.failed = ErrInvalidUTF8
	default:
		o.failed = o.payload.add(o.cfg, p)
	}
	if o.failed != nil {
		return 0, errStop
	}
	return len(p), nil
}

// complete reports whether the message may end here.
func (o *inflated) complete() bool { return !o.text || o.utf8.complete() }

// history is what a new stream may refer to: what has come out of this message, and what came before it.
func (f *Inflater) history(context []byte) []byte {
	payload := &f.out.payload
	if payload.first == nil {
		return context
	}
	w := f.recent
	w.Reset()
	w.add(context)
	w.add(payload.first.Bytes())
	for _, b := range payload.rest[max(0, len(payload.rest)-2):] { // a window is half a full buffer
		w.add(b.Bytes())
	}
	return w.data
}
