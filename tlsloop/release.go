package tlsloop

import (
	"bytes"
	"unsafe"
)

// A tls.Conn keeps what its largest message needed, 3.5 kB and more, for good (golang/go#43563). Between two records both of its
// input buffers are empty, and no one else looks at them: they are taken away, and one of the loop's is lent while a record is read.
// This is the only use of unsafe; it depends on these fields being what they are in the Go that this was built with.
var rawInputOffset, handOffset uintptr

func init() {
	rawInputOffset, handOffset = known.rawInput.Offset, known.hand.Offset
}

// buffer is one of the two.
func (s *standard) buffer(offset uintptr) *bytes.Buffer {
	return (*bytes.Buffer)(unsafe.Add(unsafe.Pointer(s.conn), offset))
}

// lend gives a tls.Conn without an input buffer the loop's.
func (s *standard) lend(l *Loop) {
	if !l.engine.release {
		return
	}
	if raw := s.buffer(rawInputOffset); raw.Cap() == 0 {
		*raw = *bytes.NewBuffer(l.borrowed[:0])
	}
}

// release takes the buffers away again, but for a part of a handshake message. It reports false, and the connection is lost,
// if input was left: another session's would be written over it.
func (s *standard) release(l *Loop) bool {
	if !l.engine.release {
		return true
	}
	raw, hand := s.buffer(rawInputOffset), s.buffer(handOffset)
	left := raw.Len()
	*raw = bytes.Buffer{}
	if hand.Len() == 0 {
		*hand = bytes.Buffer{}
	}
	return left == 0
}
