package frame

import (
	"bytes"
	"testing"
)

// Frames of every kind and length come out as a client sends them, and mean the same.
func TestAppendMaskedFrames(t *testing.T) {
	keys := byte(0)
	key := func() [4]byte { keys++; return [4]byte{keys, 2, 3, 4} }
	var plain []byte
	payloads := [][]byte{nil, []byte("a"), bytes.Repeat([]byte("b"), 125), bytes.Repeat([]byte("c"), 126), bytes.Repeat([]byte("d"), 65535), bytes.Repeat([]byte("e"), 65536)}
	for _, p := range payloads {
		plain = AppendFrame(plain, OpText, p)
	}
	plain = AppendFrame(plain, OpPing, []byte("p"))
	masked := AppendMaskedFrames([]byte("before"), plain, key)
	if want := len("before") + len(plain) + 4*(len(payloads)+1); len(masked) != want || int(keys) != len(payloads)+1 {
		t.Fatalf("%d bytes, want %d; %d keys", len(masked), want, keys)
	}
	cfg := DecoderConfig{Role: Server, MaxMessageBytes: 1 << 20, NewBuffer: (&ledger{}).newBuffer}
	var d Decoder
	in := masked[len("before"):]
	for i := 0; len(in) > 0; i++ {
		m, n, err := d.Next(&cfg, in)
		if err != nil {
			t.Fatal(err)
		}
		want := []byte("p")
		if i < len(payloads) {
			want = payloads[i]
		}
		if !bytes.Equal(m.Payload, want) {
			t.Errorf("frame %d: %d bytes, want %d", i, len(m.Payload), len(want))
		}
		in = in[n:]
	}
	if got := AppendMaskedFrames(nil, []byte{0x81, 5, 'h'}, key); !bytes.Equal(got, []byte{0x81, 5, 'h'}) {
		t.Errorf("%x", got)
	}
}
