package tlsloop

import (
	"bytes"
	"reflect"
	"testing"
)

// The struct guard: what the package knows of tls.Conn is so, and it would notice if it were not.
func TestLayoutIsKnown(t *testing.T) {
	if !knownLayout {
		t.Fatal("tls.Conn has changed: sessions keep their buffers, and the compact record layer stays off")
	}
	type halfConn struct {
		seq           [8]byte
		trafficSecret []byte
	}
	type otherHalf struct {
		seq           uint64
		trafficSecret []byte
	}
	_, _ = halfConn{seq: [8]byte{}, trafficSecret: nil}, otherHalf{seq: 0, trafficSecret: nil}
	for name, c := range map[string]struct {
		conn any
		ok   bool
	}{
		"as it is": {struct {
			rawInput, hand bytes.Buffer
			input          bytes.Reader
			in, out        halfConn
		}{}, true},
		"no hand": {struct {
			rawInput bytes.Buffer
			input    bytes.Reader
			in, out  halfConn
		}{}, false},
		"another buffer": {struct {
			rawInput, hand []byte
			input          bytes.Reader
			in, out        halfConn
		}{}, false},
		"a pointer": {struct {
			rawInput, hand *bytes.Buffer
			input          bytes.Reader
			in, out        halfConn
		}{}, false},
		"another reader": {struct {
			rawInput, hand bytes.Buffer
			input          []byte
			in, out        halfConn
		}{}, false},
		"another sequence number": {struct {
			rawInput, hand bytes.Buffer
			input          bytes.Reader
			in, out        otherHalf
		}{}, false},
		"two kinds of direction": {struct {
			rawInput, hand bytes.Buffer
			input          bytes.Reader
			in             halfConn
			out            otherHalf
		}{}, false},
		"no direction": {struct {
			rawInput, hand bytes.Buffer
			input          bytes.Reader
		}{}, false},
		"directions elsewhere": {struct {
			rawInput, hand bytes.Buffer
			input          bytes.Reader
			in, out        *halfConn
		}{}, false},
	} {
		if _, ok := inspect(reflect.TypeOf(c.conn)); ok != c.ok {
			t.Errorf("%s: %v", name, ok)
		}
	}
}
