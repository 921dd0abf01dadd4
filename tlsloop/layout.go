package tlsloop

import (
	"bytes"
	"crypto/subtle"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"reflect"
)

// layout is what this package knows of tls.Conn: two buffers, and two directions with a sequence number and a secret.
type layout struct {
	rawInput, hand reflect.StructField
	in, out        reflect.StructField
	seq, secret    reflect.StructField // of a direction
}

var known, knownLayout = inspect(reflect.TypeFor[tls.Conn]())

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

var errMismatch = errors.New("tlsloop: tls.Conn has other keys or sequence numbers than expected")

// compare checks what was learned against what a tls.Conn holds: both secrets, nothing read yet under the client's, and sealed
// records written under the server's.
func (l *layout) compare(conn *tls.Conn, s *secrets, sealed uint64) error {
	v := reflect.ValueOf(conn).Elem()
	in, out := v.FieldByIndex(l.in.Index), v.FieldByIndex(l.out.Index)
	inSeq, inSecret := l.direction(in)
	outSeq, outSecret := l.direction(out)
	if inSeq != 0 || outSeq != sealed || subtle.ConstantTimeCompare(inSecret, s.client) != 1 ||
		subtle.ConstantTimeCompare(outSecret, s.server) != 1 {
		return errMismatch
	}
	return nil
}

func (l *layout) direction(v reflect.Value) (seq uint64, secret []byte) {
	digits := v.FieldByIndex(l.seq.Index)
	var b [8]byte
	for i := range b {
		b[i] = byte(digits.Index(i).Uint())
	}
	return binary.BigEndian.Uint64(b[:]), v.FieldByIndex(l.secret.Index).Bytes()
}
