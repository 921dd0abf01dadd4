package frame

import (
	"bytes"
	"testing"
)

func TestHeapBufferDoubles(t *testing.T) {
	b := newHeapBuffer(1)
	var want []byte
	grown, last := 0, 0
	for i := range 100_000 {
		chunk := []byte{byte(i)}
		if n, err := b.Write(chunk); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		want = append(want, chunk...)
		if c := cap(b.(*heapBuffer).data); c != last {
			grown, last = grown+1, c
		}
	}
	if !bytes.Equal(b.Bytes(), want) || grown > 12 || last > 2*len(want) {
		t.Errorf("%d bytes right: %v, room %d, grown %d times", len(want), bytes.Equal(b.Bytes(), want), last, grown)
	}
	b.Release()
	if b.Bytes() != nil {
		t.Error("released, but still there")
	}
}

// TestBufferRefusal: a buffer that takes no more fails the connection, and is given back.
func TestBufferRefusal(t *testing.T) {
	for _, cut := range []int{8, 10, 13} { // within each frame, and between them
		in := stream(0x02, "abc", 0x80, "def")
		l := ledger{refuseAfter: 4}
		if cut == 8 {
			l.refuseAfter = 1
		}
		cfg := DecoderConfig{NewBuffer: l.newBuffer}
		var d Decoder
		_, _, err := d.Next(&cfg, in[:cut])
		if err == nil {
			_, _, err = d.Next(&cfg, in[cut:])
		}
		if err != ErrBufferRefused || l.out != 0 || l.double {
			t.Errorf("cut %d: %v, %d buffers out", cut, err, l.out)
		}
	}
	cfg := DecoderConfig{NewBuffer: func(int) Buffer { return nil }}
	var d Decoder
	if _, _, err := d.Next(&cfg, stream(0x02, "a")); err != ErrBufferRefused {
		t.Errorf("no buffer at all: %v", err)
	}
}

func TestReleaseOfNoMessage(t *testing.T) {
	var none *Message
	none.Release()
	var zero Message
	zero.Release()
}
