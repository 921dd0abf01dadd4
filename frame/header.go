package frame

import "encoding/binary"

// MaxHeaderBytes is the longest frame header: 2 bytes, a 64-bit length, a masking key.
const MaxHeaderBytes = 2 + 8 + 4

const (
	finBit       = 0x80
	reservedBits = 0x70
	rsv1         = 0x40 // the message is compressed (RFC 7692, section 6)
	opcodeBits   = 0x0F
	maskBit      = 0x80
	lengthBits   = 0x7F

	length16 = 126 // the length follows in 16 bits
	length64 = 127 // the length follows in 64 bits
)

// header is what stands in front of a payload.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-------+-+-------------+-------------------------------+
//	|F|R|R|R| opcode|M| Payload len |    Extended payload length    |
//	|I|S|S|S|  (4)  |A|     (7)     |             (16/64)           |
//	|N|V|V|V|       |S|             |   (if payload len==126/127)   |
//	| |1|2|3|       |K|             |                               |
//	+-+-+-+-+-------+-+-------------+ - - - - - - - - - - - - - - - +
type header struct {
	length int64  // of the payload, in bytes
	key    uint32 // little-endian; 0 where frames are not masked
	size   int    // bytes of the header itself; 0: not all of it has arrived
	first  byte   // FIN and opcode
}

func (h *header) fin() bool      { return h.first&finBit != 0 }
func (h *header) opcode() Opcode { return Opcode(h.first & opcodeBits) }
func (h *header) control() bool  { return h.first&controlBit != 0 }

// compressed tells that the message is. The first frame says it for all (RFC 7692, section 6.1).
func (h *header) compressed() bool { return h.first&rsv1 != 0 }

// checkFirst does the checks that the first byte of a header allows; assembling tells that a fragmented message is
// open, deflate that RSV1 has a meaning. They come before any check of a later byte, so that the verdict is the same in
// whatever cut bytes arrive.
func checkFirst(first byte, assembling, deflate bool) *Error {
	opcode := Opcode(first & opcodeBits)
	switch reserved := first & reservedBits; {
	case reserved != 0 && (reserved != rsv1 || !deflate || opcode != OpText && opcode != OpBinary):
		return ErrReservedBits
	case !opcode.defined():
		return ErrReservedOpcode
	case opcode&controlBit != 0:
		if first&finBit == 0 {
			return ErrFragmentedControl
		}
	case assembling != (opcode == OpContinuation):
		if assembling {
			return ErrExpectedContinuation
		}
		return ErrUnexpectedContinuation
	}
	return nil
}

// parse reads a header from the front of b, whose first byte has passed checkFirst; room is how many bytes of payload
// a data frame may have. It leaves size at 0 while b holds only a part, and fails as soon as that part is wrong.
func (h *header) parse(b []byte, role Role, room int64) *Error {
	h.size = 0
	if len(b) < 2 {
		return nil
	}
	h.first = b[0]
	masked := b[1]&maskBit != 0
	if masked != (role == Server) {
		return role.maskError()
	}
	size := 2
	length := int64(b[1] & lengthBits)
	if length >= length16 {
		if h.control() {
			return ErrControlTooLong
		}
		var err *Error
		if length, size, err = parseLongLength(b); size == 0 {
			return err
		}
	}
	if length > room && !h.control() {
		return ErrMessageTooBig
	}
	h.key = 0
	if masked {
		if len(b) < size+4 {
			return nil
		}
		h.key = binary.LittleEndian.Uint32(b[size:])
		size += 4
	}
	h.length = length
	h.size = size
	return nil
}

// parseLongLength reads a length of 16 or 64 bits behind the first two bytes. size is where the length ends; 0 with
// an error: it is wrong; 0 without: more is needed.
func parseLongLength(b []byte) (length int64, size int, err *Error) {
	if b[1]&lengthBits == length16 {
		if len(b) < 4 {
			return 0, 0, nil
		}
		length = int64(binary.BigEndian.Uint16(b[2:]))
		if length < length16 {
			return 0, 0, ErrNonMinimalLength
		}
		return length, 4, nil
	}
	if len(b) > 2 && b[2]&0x80 != 0 {
		return 0, 0, ErrLengthOverflow
	}
	if len(b) < 10 {
		return 0, 0, nil
	}
	length = int64(binary.BigEndian.Uint64(b[2:]))
	if length <= 0xFFFF {
		return 0, 0, ErrNonMinimalLength
	}
	return length, 10, nil
}
