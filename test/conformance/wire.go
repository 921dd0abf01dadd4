package conformance

import "encoding/binary"

// The opcodes of RFC 6455, section 5.2.
const (
	continuation = 0x0
	text         = 0x1
	binaryData   = 0x2
	closing      = 0x8
	ping         = 0x9
	pong         = 0xA
)

const (
	fin  = 0x80
	rsv1 = 0x40
	rsv2 = 0x20
	rsv3 = 0x10
)

// maskingKey is the key of every frame; that it never changes harms nobody but proxies.
var maskingKey = [4]byte{0xA5, 0x3C, 0x17, 0xE9}

// rawFrame is one masked frame whose first byte is given, so that illegal ones can be built; its length is minimal.
func rawFrame(first byte, payload []byte) []byte {
	var b []byte
	switch n := len(payload); {
	case n < 126:
		b = []byte{first, 0x80 | byte(n)}
	case n < 65536:
		b = binary.BigEndian.AppendUint16([]byte{first, 0x80 | 126}, uint16(n))
	default:
		b = binary.BigEndian.AppendUint64([]byte{first, 0x80 | 127}, uint64(n))
	}
	b = append(b, maskingKey[:]...)
	start := len(b)
	b = append(b, payload...)
	mask(b[start:])
	return b
}

func mask(b []byte) {
	for i := range b {
		b[i] ^= maskingKey[i&3]
	}
}

// fragments are the frames of one message, cut into pieces of at most size bytes. first is the first byte of an
// unfragmented frame.
func fragments(first byte, payload []byte, size int) [][]byte {
	var frames [][]byte
	op := first &^ fin
	for {
		n := min(size, len(payload))
		if n == len(payload) {
			return append(frames, rawFrame(op|fin, payload))
		}
		frames = append(frames, rawFrame(op, payload[:n]))
		op, payload = continuation, payload[n:]
	}
}

// closePayload is a close code and a reason.
func closePayload(code int, reason string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...)
}

// validCloseCode reports whether a peer may send the code (RFC 6455, section 7.4, and the registry that it founds).
func validCloseCode(code int) bool {
	switch {
	case code >= 3000 && code <= 4999:
		return true
	case code >= 1000 && code <= 1014:
		return code != 1004 && code != 1005 && code != 1006
	}
	return false
}
