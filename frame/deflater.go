package frame

import (
	"fmt"
	"math"

	"github.com/klauspost/compress/flate"
)

// flushTail ends every flushed DEFLATE stream; it is not sent (RFC 7692, section 7.2.1).
const flushTail = "\x00\x00\xff\xff"

// Deflater compresses messages for permessage-deflate (RFC 7692, section 7.2.1). It holds about 1 MB of tables, so one is
// shared by many connections; it is confined to one goroutine.
type Deflater struct {
	w    *flate.Writer
	sink appender
}

// appender is an io.Writer that appends.
type appender struct{ b []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.b = append(a.b, p...)
	return len(p), nil
}

// NewDeflater returns a Deflater whose streams need a window of 1 << windowBits bytes, windowBits being 9 to 15. level is 1
// (fastest) to 9 (smallest); windows below the largest come with a level of their own. It panics if one is out of range.
func NewDeflater(windowBits uint8, level int) *Deflater {
	if windowBits < MinWindowBits || windowBits > MaxWindowBits || level < 1 || level > 9 {
		panic(fmt.Sprintf("frame: no deflater with %d window bits and level %d", windowBits, level))
	}
	var d Deflater
	var err error
	if windowBits == MaxWindowBits {
		d.w, err = flate.NewWriter(&d.sink, level)
	} else {
		d.w, err = flate.NewWriterWindow(&d.sink, 1<<windowBits)
	}
	if err != nil {
		panic("frame: " + err.Error()) // the ranges are checked above
	}
	return &d
}

// AppendFrame appends a message as one unmasked frame, compressed if that makes it smaller, and reports which it is. window
// is the context that the message may refer to, and becomes part of; nil: it stands alone. It borrows payload.
func (d *Deflater) AppendFrame(dst []byte, op Opcode, payload []byte, window *Window) (_ []byte, compressed bool) {
	const room = MaxHeaderBytes - 4 // a header without a masking key
	start := len(dst)
	dst, size := d.appendBehind(dst, room, payload, window)
	if size < 0 {
		return AppendFrame(dst, op, payload), false
	}
	header := appendHeader(dst[:start], firstByte(true, op)|rsv1, 0, size)
	body := len(header)
	copy(dst[body:], dst[start+room:])
	return dst[:body+size], true
}

// AppendMaskedFrame is AppendFrame for a client, which masks with a fresh, unpredictable key (RFC 6455, section 10.3): what
// is masked are the compressed bytes (RFC 7692, section 6.1).
func (d *Deflater) AppendMaskedFrame(dst []byte, op Opcode, payload []byte, window *Window, key [4]byte) (_ []byte, compressed bool) {
	start := len(dst)
	dst, size := d.appendBehind(dst, MaxHeaderBytes, payload, window)
	if size < 0 {
		return AppendMaskedFrame(dst, op, payload, key), false
	}
	header := append(appendHeader(dst[:start], firstByte(true, op)|rsv1, maskBit, size), key[:]...)
	body := len(header)
	copy(dst[body:], dst[start+MaxHeaderBytes:])
	Mask(dst[body:body+size], key, 0)
	return dst[:body+size], true
}

// appendBehind leaves room and appends payload compressed, size bytes, of which window then knows. Where that is not smaller
// size is -1, and dst is as it was.
func (d *Deflater) appendBehind(dst []byte, room int, payload []byte, window *Window) (_ []byte, size int) {
	start := len(dst)
	dst = append(dst, make([]byte, room)...)
	dst = d.appendCompressed(dst, payload, window.bytes())
	if size = len(dst) - start - room; size >= len(payload) {
		return dst[:start], -1
	}
	window.add(payload)
	return dst, size
}

// appendCompressed appends payload as DEFLATE blocks that end at a byte boundary, without the tail.
func (d *Deflater) appendCompressed(dst, payload, context []byte) []byte {
	d.sink.b = dst
	if len(context) > 0 {
		d.w.ResetDict(&d.sink, context)
	} else {
		d.w.Reset(&d.sink)
	}
	_, _ = d.w.Write(payload) // the sink takes everything
	_ = d.w.Flush()
	if len(context) > 0 {
		d.w.ResetDict(nil, nil) // it would keep the context
	}
	dst, d.sink.b = d.sink.b, nil
	return dst[:len(dst)-len(flushTail)]
}

// AppendFrames appends a copy of frames, whole unmasked ones, in which each message of one frame and at least min bytes is
// compressed if that makes it smaller. It reports whether any was. It borrows frames.
func (d *Deflater) AppendFrames(dst, frames []byte, min int) (_ []byte, compressed bool) {
	var h header
	for len(frames) > 0 {
		if err := h.parse(frames, Client, math.MaxInt64); err != nil || h.size == 0 || int64(len(frames)-h.size) < h.length {
			break // no frames of ours: the peer's to judge
		}
		end := h.size + int(h.length)
		whole := h.first == finBit|byte(OpText) || h.first == finBit|byte(OpBinary)
		if whole && h.length >= int64(min) {
			var smaller bool
			dst, smaller = d.AppendFrame(dst, h.opcode(), frames[h.size:end], nil)
			compressed = compressed || smaller
		} else {
			dst = append(dst, frames[:end]...)
		}
		frames = frames[end:]
	}
	return append(dst, frames...), compressed
}
