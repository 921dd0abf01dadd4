package frame

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestAppendHeaderForms(t *testing.T) {
	tests := []struct {
		fin    bool
		op     Opcode
		length int
		want   []byte
	}{
		{true, OpText, 0, []byte{0x81, 0}},
		{false, OpText, 5, []byte{0x01, 5}},
		{true, OpContinuation, 125, []byte{0x80, 125}},
		{true, OpBinary, 126, []byte{0x82, 126, 0, 126}},
		{true, OpBinary, 65535, []byte{0x82, 126, 0xFF, 0xFF}},
		{true, OpBinary, 65536, []byte{0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0}},
		{true, OpPing, 1, []byte{0x89, 1}},
		{true, OpBinary, math.MaxInt64, []byte{0x82, 127, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}},
	}
	for _, test := range tests {
		got := AppendHeader(nil, test.fin, test.op, test.length)
		if !bytes.Equal(got, test.want) || len(got) != HeaderBytes(test.length) {
			t.Errorf("%v %d: % x, want % x", test.op, test.length, got, test.want)
		}
		masked := AppendMaskedHeader(nil, test.fin, test.op, test.length, testKey)
		test.want[1] |= 0x80
		if want := append(test.want, testKey[:]...); !bytes.Equal(masked, want) {
			t.Errorf("%v %d masked: % x, want % x", test.op, test.length, masked, want)
		}
		if len(masked) > MaxHeaderBytes {
			t.Errorf("a header of %d bytes", len(masked))
		}
	}
}

// TestExamplesOfTheRFC are the bytes of RFC 6455, section 5.7.
func TestExamplesOfTheRFC(t *testing.T) {
	if got := AppendFrame(nil, OpText, []byte("Hello")); !bytes.Equal(got, []byte{0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f}) {
		t.Errorf("unmasked: % x", got)
	}
	payload := []byte("Hello")
	got := AppendMaskedFrame(nil, OpText, payload, testKey)
	want := []byte{0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58}
	if !bytes.Equal(got, want) || string(payload) != "Hello" {
		t.Errorf("masked: % x, payload now %q", got, payload)
	}
}

func TestFrameRoundTrip(t *testing.T) {
	for _, length := range []int{0, 1, 5, 124, 125, 126, 127, 128, 1000, 65535, 65536, 70000} {
		for _, op := range []Opcode{OpText, OpBinary, OpPing, OpPong} {
			if op.IsControl() && length > MaxControlBytes {
				continue
			}
			payload := strings.Repeat("x", length)
			prefix := []byte("before")
			want := []string{fmt.Sprintf("%v %q", op, payload), "at rest: true"}
			cfg := DecoderConfig{MaxMessageBytes: 1 << 20}
			masked := AppendMaskedFrame(prefix, op, []byte(payload), testKey)
			sameLines(t, "masked", run(t, cfg, masked[len(prefix):]), want)
			cfg.Role = Client
			unmasked := AppendFrame(prefix, op, []byte(payload))
			sameLines(t, "unmasked", run(t, cfg, unmasked[len(prefix):]), want)
		}
	}
}
