package conformance

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// event is what a server has said: one message or control frame.
type event struct {
	op         byte
	payload    []byte
	compressed bool
	frames     int
}

func (e event) String() string {
	name := map[byte]string{text: "text", binaryData: "binary", closing: "close", ping: "ping", pong: "pong"}[e.op]
	if len(e.payload) > 40 {
		return fmt.Sprintf("%s of %d bytes", name, len(e.payload))
	}
	return fmt.Sprintf("%s %q", name, e.payload)
}

// validator reads the frames of a server and refuses whatever RFC 6455 and RFC 7692 do not allow it to send.
type validator struct {
	r          io.Reader
	deflate    *inflater // nil: nothing was negotiated
	message    event     // the data message that is arriving; op 0: none
	assembling bool
	closed     bool // its close frame has come
}

// next returns the next message or control frame. io.EOF is an orderly end between frames.
func (v *validator) next() (event, error) {
	for {
		first, payload, err := v.frame()
		if err != nil {
			return event{}, err
		}
		if v.closed {
			return event{}, errors.New("a frame behind the close frame")
		}
		op := first & 0x0F
		if op >= closing {
			v.closed = op == closing
			if op == closing {
				if err := checkClose(payload); err != nil {
					return event{}, err
				}
			}
			return event{op: op, payload: payload, frames: 1}, nil
		}
		if err := v.data(first, payload); err != nil {
			return event{}, err
		}
		if first&fin != 0 {
			v.assembling = false
			return v.finish()
		}
	}
}

// frame reads one frame and checks what can be told of it alone.
func (v *validator) frame() (first byte, payload []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(v.r, head[:]); err != nil {
		return 0, nil, err // io.ErrUnexpectedEOF inside a frame
	}
	first = head[0]
	op := first & 0x0F
	switch {
	case first&(rsv2|rsv3) != 0 || first&rsv1 != 0 && (v.deflate == nil || op != text && op != binaryData):
		return 0, nil, fmt.Errorf("reserved bits: first byte %#x", first)
	case op > binaryData && op < closing || op > pong:
		return 0, nil, fmt.Errorf("reserved opcode %d", op)
	case head[1]&0x80 != 0:
		return 0, nil, errors.New("a masked frame")
	case op >= closing && (first&fin == 0 || head[1] > 125):
		return 0, nil, errors.New("a control frame that is fragmented or over 125 bytes")
	}
	length, err := v.length(head[1])
	if err != nil {
		return 0, nil, err
	}
	payload = make([]byte, length)
	if _, err := io.ReadFull(v.r, payload); err != nil {
		return 0, nil, io.ErrUnexpectedEOF
	}
	return first, payload, nil
}

// length reads the extended length, which must be minimal.
func (v *validator) length(short byte) (uint64, error) {
	var b [8]byte
	switch {
	case short < 126:
		return uint64(short), nil
	case short == 126:
		if _, err := io.ReadFull(v.r, b[6:]); err != nil {
			return 0, io.ErrUnexpectedEOF
		}
	default:
		if _, err := io.ReadFull(v.r, b[:]); err != nil {
			return 0, io.ErrUnexpectedEOF
		}
	}
	n := binary.BigEndian.Uint64(b[:])
	switch {
	case short == 126 && n < 126 || short == 127 && n < 65536:
		return 0, errors.New("a length that is not minimal")
	case n > 1<<30:
		return 0, fmt.Errorf("a frame of %d bytes", n)
	}
	return n, nil
}

// data adds a frame to the message that is arriving.
func (v *validator) data(first byte, payload []byte) error {
	op := first & 0x0F
	if v.assembling != (op == continuation) {
		return errors.New("data frames out of order")
	}
	if op != continuation {
		v.message = event{op: op, compressed: first&rsv1 != 0}
	}
	v.assembling = true
	v.message.frames++
	v.message.payload = append(v.message.payload, payload...)
	return nil
}

// finish ends a message.
func (v *validator) finish() (event, error) {
	m := v.message
	v.message = event{}
	if m.compressed {
		var err error
		if m.payload, err = v.deflate.message(m.payload); err != nil {
			return event{}, err
		}
	}
	if m.op == text && !utf8.Valid(m.payload) {
		return event{}, errors.New("a text that is not UTF-8")
	}
	return m, nil
}

func checkClose(payload []byte) error {
	switch {
	case len(payload) == 0:
		return nil
	case len(payload) == 1:
		return errors.New("a close frame with one byte")
	case !validCloseCode(int(binary.BigEndian.Uint16(payload))):
		return fmt.Errorf("close code %d", binary.BigEndian.Uint16(payload))
	case !utf8.Valid(payload[2:]):
		return errors.New("a close reason that is not UTF-8")
	}
	return nil
}
