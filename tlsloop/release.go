package tlsloop

import (
	"bytes"
	"crypto/tls"
	"reflect"
	"unsafe"
)

// A tls.Conn keeps what its largest message needed, 3.5 kB and more, for good (golang/go#43563). Between two records both of its
// input buffers are empty, and no one else looks at them: they are taken away, and one of the loop's is lent while a record is read.
// This is the only use of unsafe; it depends on these fields being what they are in the Go that this was built with.
var rawInputOffset, handOffset uintptr

// layout is what this package knows of tls.Conn: two buffers, and two directions with a sequence number and a secret.
type layout struct {
	rawInput, hand reflect.StructField
	in, out        reflect.StructField
	seq, secret    reflect.StructField // of a direction
}

var known, knownLayout = inspect(reflect.TypeFor[tls.Conn]())

func init() {
	rawInputOffset, handOffset = known.rawInput.Offset, known.hand.Offset
}

// inspect finds the fields, and says whether all are of the types that we expect.
func inspect(conn reflect.Type) (l layout, ok bool) {
	ok = true
	field := func(in reflect.Type, name string, want reflect.Type) reflect.StructField {
		if in.Kind() != reflect.Struct {
			ok = false
			return reflect.StructField{}
		}
		f, found := in.FieldByName(name)
		ok = ok && found && len(f.Index) == 1 && (want == nil || f.Type == want)
		return f
	}
	l.rawInput = field(conn, "rawInput", reflect.TypeFor[bytes.Buffer]())
	l.hand = field(conn, "hand", reflect.TypeFor[bytes.Buffer]())
	field(conn, "input", reflect.TypeFor[bytes.Reader]())
	l.in = field(conn, "in", nil)
	l.out = field(conn, "out", nil)
	if !ok || l.in.Type != l.out.Type {
		return layout{}, false
	}
	l.seq = field(l.in.Type, "seq", reflect.TypeFor[[8]byte]())
	l.secret = field(l.in.Type, "trafficSecret", reflect.TypeFor[[]byte]())
	return l, ok
}

// lend gives a tls.Conn without an input buffer the loop's.
func (s *standard) lend(l *Loop) {
	if !l.engine.release {
		return
	}
	raw := (*bytes.Buffer)(unsafe.Add(unsafe.Pointer(s.conn), rawInputOffset))
	if raw.Cap() == 0 {
		*raw = *bytes.NewBuffer(l.borrowed[:0])
	}
}

// release takes the buffers away from a tls.Conn, as far as they are empty: a part of a handshake message stays in one.
func (s *standard) release(l *Loop) {
	if !l.engine.release {
		return
	}
	for _, offset := range [...]uintptr{rawInputOffset, handOffset} {
		b := (*bytes.Buffer)(unsafe.Add(unsafe.Pointer(s.conn), offset))
		if b.Len() == 0 {
			*b = bytes.Buffer{}
		}
	}
}
