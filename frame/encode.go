package frame

import "encoding/binary"

// HeaderBytes is how long the unmasked header for a payload of length bytes is: 2, 4 or 10. A masked one has 4 more.
func HeaderBytes(length int) int {
	switch {
	case length < length16:
		return 2
	case length <= 0xFFFF:
		return 4
	default:
		return 10
	}
}

// AppendHeader appends an unmasked frame header, as a server sends it, with the length (bytes, >= 0) in its shortest
// form (RFC 6455, section 5.2). The payload is for the caller to put behind it.
func AppendHeader(dst []byte, fin bool, op Opcode, length int) []byte {
	return appendHeader(dst, firstByte(fin, op), 0, length)
}

// AppendMaskedHeader appends a masked frame header, as a client sends it. The caller puts the payload behind it and
// masks it with Mask(payload, key, 0).
func AppendMaskedHeader(dst []byte, fin bool, op Opcode, length int, key [4]byte) []byte {
	dst = appendHeader(dst, firstByte(fin, op), maskBit, length)
	return append(dst, key[:]...)
}

// AppendFrame appends a whole unmasked, unfragmented frame. It borrows payload.
func AppendFrame(dst []byte, op Opcode, payload []byte) []byte {
	dst = AppendHeader(dst, true, op, len(payload))
	return append(dst, payload...)
}

// AppendMaskedFrame appends a whole masked, unfragmented frame. It borrows payload and leaves it unmasked. A client
// must take a fresh, unpredictable key for each frame (RFC 6455, section 10.3).
func AppendMaskedFrame(dst []byte, op Opcode, payload []byte, key [4]byte) []byte {
	dst = AppendMaskedHeader(dst, true, op, len(payload), key)
	start := len(dst)
	dst = append(dst, payload...)
	Mask(dst[start:], key, 0)
	return dst
}

func firstByte(fin bool, op Opcode) byte {
	if fin {
		return finBit | byte(op)
	}
	return byte(op)
}

func appendHeader(dst []byte, first, mask byte, length int) []byte {
	switch HeaderBytes(length) {
	case 2:
		return append(dst, first, mask|byte(length))
	case 4:
		return append(dst, first, mask|length16, byte(length>>8), byte(length))
	default:
		dst = append(dst, first, mask|length64)
		return binary.BigEndian.AppendUint64(dst, uint64(length))
	}
}
