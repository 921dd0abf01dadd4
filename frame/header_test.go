package frame

import (
	"slices"
	"testing"
)

// TestHeaderRules gives a server or client the first bytes of a frame, bit by bit, and asks for the verdict at the
// very byte that makes it certain: all bytes but the last must pass.
func TestHeaderRules(t *testing.T) {
	const key = 0b00000000
	tests := []struct {
		name string
		role Role
		want *Error
		in   []byte
	}{
		//                                   FRRR OPCO    M LENGTH
		{"RSV3", Server, ErrReservedBits, []byte{0b1001_0001}},
		{"RSV2", Server, ErrReservedBits, []byte{0b1010_0001}},
		{"RSV1", Server, ErrReservedBits, []byte{0b1100_0001}},
		{"RSV1 on a continuation", Server, ErrReservedBits, []byte{0b1100_0000}},
		{"RSV1 on a ping", Client, ErrReservedBits, []byte{0b1100_1001}},
		{"all RSV, on a close", Server, ErrReservedBits, []byte{0b1111_1000}},
		{"opcode 3", Server, ErrReservedOpcode, []byte{0b1000_0011}},
		{"opcode 7, no FIN", Server, ErrReservedOpcode, []byte{0b0000_0111}},
		{"opcode 11", Server, ErrReservedOpcode, []byte{0b1000_1011}},
		{"opcode 15", Client, ErrReservedOpcode, []byte{0b1000_1111}},
		{"close in fragments", Server, ErrFragmentedControl, []byte{0b0000_1000}},
		{"ping in fragments", Server, ErrFragmentedControl, []byte{0b0000_1001}},
		{"pong in fragments", Client, ErrFragmentedControl, []byte{0b0000_1010}},
		{"continuation of nothing, FIN", Server, ErrUnexpectedContinuation, []byte{0b1000_0000}},
		{"continuation of nothing", Client, ErrUnexpectedContinuation, []byte{0b0000_0000}},
		{"unmasked", Server, ErrUnmasked, []byte{0b1000_0001, 0b0_0000101}},
		{"unmasked ping", Server, ErrUnmasked, []byte{0b1000_1001, 0b0_0000000}},
		{"masked", Client, ErrMasked, []byte{0b1000_0001, 0b1_0000101}},
		{"ping of 126", Server, ErrControlTooLong, []byte{0b1000_1001, 0b1_1111110}},
		{"pong of 16 bits", Client, ErrControlTooLong, []byte{0b1000_1010, 0b0_1111110}},
		{"close of 64 bits", Server, ErrControlTooLong, []byte{0b1000_1000, 0b1_1111111}},
		{"16 bits for 0", Server, ErrNonMinimalLength, []byte{0b1000_0010, 0b1_1111110, 0, 0}},
		{"16 bits for 125", Server, ErrNonMinimalLength, []byte{0b1000_0010, 0b1_1111110, 0, 125}},
		{"64 bits for 0", Server, ErrNonMinimalLength, []byte{0b1000_0010, 0b1_1111111, 0, 0, 0, 0, 0, 0, 0, 0}},
		{"64 bits for 65535", Client, ErrNonMinimalLength, []byte{0b1000_0010, 0b0_1111111, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}},
		{"most significant bit", Server, ErrLengthOverflow, []byte{0b1000_0010, 0b1_1111111, 0x80}},
		{"2^62", Server, ErrMessageTooBig, []byte{0b1000_0010, 0b1_1111111, 0x40, 0, 0, 0, 0, 0, 0, 0}},
		{"2^63-1", Client, ErrMessageTooBig, []byte{0b1000_0010, 0b0_1111111, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}},
		{"2^31", Server, ErrMessageTooBig, []byte{0b1000_0010, 0b1_1111111, 0, 0, 0, 0, 0x80, 0, 0, 0}},
		{"limit + 1", Server, ErrMessageTooBig, []byte{0b1000_0010, 0b1_1111110, 0x03, 0xE9}},
	}
	for _, test := range tests {
		cfg := DecoderConfig{Role: test.role, MaxMessageBytes: 1000}
		want := []string{"! " + test.want.Reason}
		sameLines(t, test.name, run(t, cfg, test.in), want)
		sameLines(t, test.name+", byte by byte", run(t, cfg, test.in, byteCuts(test.in)...), want)
		behind := append(slices.Clone(test.in), key, key, key, key, key)
		sameLines(t, test.name+", more behind", run(t, cfg, behind), want)
		if got := run(t, cfg, test.in[:len(test.in)-1]); got[0][0] == '!' {
			t.Errorf("%s: %v a byte too soon", test.name, got)
		}
	}
}

// TestLengthLimits are the lengths around each form that must pass.
func TestLengthLimits(t *testing.T) {
	for _, length := range []int{0, 1, 125, 126, 127, 65535, 65536, 1 << 20} {
		in := rawFrame(Server, 0x82, string(make([]byte, length)))
		cfg := DecoderConfig{MaxMessageBytes: 1 << 20}
		var d Decoder
		m, n, err := d.Next(&cfg, in)
		if err != nil || n != len(in) || len(m.Payload) != length {
			t.Errorf("%d bytes: %d consumed, %d of payload, %v", length, n, len(m.Payload), err)
		}
	}
}

func TestExpectedContinuationFromTheFirstByte(t *testing.T) {
	for _, first := range []byte{0x81, 0x01, 0x82, 0x02} {
		in := append(stream(0x01, "a"), first)
		sameLines(t, "data in an open message", run(t, DecoderConfig{}, in), []string{"! expected_continuation"})
	}
}
