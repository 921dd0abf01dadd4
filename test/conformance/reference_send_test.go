package conformance

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unicode/utf8"

	"github.com/klauspost/compress/flate"
)

// control answers a control frame.
func (p *peer) control(op byte, payload []byte) error {
	switch op {
	case closing:
		return p.close(payload)
	case pong:
		if p.d == answersPongs {
			p.send(fin|pong, payload)
		}
		return nil
	case ping:
	default: // a reserved one that a defect lets through
		return nil
	}
	switch {
	case p.d == ignoresPings:
		return nil
	case p.d == pongsWithoutPayload:
		payload = nil
	case p.d == pongsHalfPayload:
		payload = payload[:min(len(payload), 64)]
	case p.d == pongsBehindMessage && p.op != 0:
		p.pongs = append(p.pongs, payload)
		return nil
	case p.d == pongsBackwards:
		if p.pongs = slices.Insert(p.pongs, 0, payload); p.r.Buffered() == 0 {
			for _, payload := range p.pongs {
				p.send(fin|pong, payload)
			}
			p.pongs = nil
		}
		return nil
	}
	p.send(fin|pong, payload)
	return nil
}

// close answers a close frame.
func (p *peer) close(payload []byte) error {
	if len(payload) == 1 && p.d != acceptsHalfCodes {
		return protocolError
	}
	if len(payload) >= 2 {
		code := int(binary.BigEndian.Uint16(payload))
		if p.d == refusesApplicationCodes && code >= 3000 || !validCloseCode(code) && !p.letsPass(code) {
			return protocolError
		}
		if !utf8.Valid(payload[2:]) && p.d != acceptsBadReasons {
			return invalidText
		}
	}
	answer := payload[:min(len(payload), 2)]
	if p.d == answersCloseWith1001 {
		answer = closePayload(1001, "")
	}
	if len(answer) < 2 || !validCloseCode(int(binary.BigEndian.Uint16(answer))) {
		answer = nil
	}
	if p.d != answersNoClose {
		p.send(fin|closing, answer)
	}
	if p.d == answersCloseTwice {
		p.send(fin|closing, answer)
	}
	if p.d == goesOnAfterClose {
		return p.frames()
	}
	return errClosed
}

// letsPass reports whether a defect lets a close code pass that is none.
func (p *peer) letsPass(code int) bool {
	switch p.d {
	case acceptsReservedCodes:
		return code >= 1004 && code <= 1006
	case acceptsUnknownCodes:
		return code >= 1016 && code <= 2999
	case acceptsLowCodes:
		return code < 1000
	case acceptsHighCodes:
		return code >= 5000
	}
	return false
}

// echo sends a message back, compressed if that was negotiated.
func (p *peer) echo(op byte, message []byte) {
	switch {
	case p.d == echoesAsText:
		op = text
	case p.d == truncates && len(message) > 65535:
		message = message[:65535]
	case p.d == damagesLargeMessages && len(message) > 100_000:
		message[len(message)/2] ^= 1
	case p.d == setsRSV1 && !p.deflate:
		p.send(fin|rsv1|op, message)
		return
	}
	if p.deflate {
		first := fin | rsv1 | op
		if p.d == hidesCompression {
			first = fin | op
		}
		p.send(first, p.compress(message))
		return
	}
	if p.d == fragmentsAsMessages && len(message) > 1000 {
		p.send(op, message[:1000])
		p.send(fin|op, message[1000:])
		return
	}
	p.send(fin|op, message)
}

// compress is what stands for a message on the wire (RFC 7692, section 7.2.1).
func (p *peer) compress(message []byte) []byte {
	window := 1 << p.windowBits
	if p.d == exceedsWindow {
		window = 1 << 15
	}
	p.compressed.Reset()
	if p.compressor == nil || p.d != takesContextOver {
		p.compressor, _ = flate.NewWriterWindow(&p.compressed, window)
	}
	_, _ = p.compressor.Write(message)
	_ = p.compressor.Flush()
	if p.d == keepsTail {
		return p.compressed.Bytes()
	}
	return bytes.TrimSuffix(p.compressed.Bytes(), []byte("\x00\x00\xFF\xFF"))
}

// send writes one frame.
func (p *peer) send(first byte, payload []byte) {
	masked := byte(0)
	if p.d == masksFrames {
		masked = 0x80
	}
	switch n := len(payload); {
	case n < 126 && p.d != usesLongLengths:
		_, _ = p.w.Write([]byte{first, masked | byte(n)})
	case n < 65536:
		_, _ = p.w.Write(binary.BigEndian.AppendUint16([]byte{first, masked | 126}, uint16(n)))
	default:
		_, _ = p.w.Write(binary.BigEndian.AppendUint64([]byte{first, masked | 127}, uint64(n)))
	}
	if masked != 0 {
		_, _ = p.w.Write([]byte{0, 0, 0, 0}) // under which every payload stays as it is
	}
	_, _ = p.w.Write(payload)
}
