package frame

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gobwas/ws"
)

// naiveMask is the definition of RFC 6455, section 5.3.
func naiveMask(b []byte, key [4]byte, pos int) {
	for i := range b {
		b[i] ^= key[(pos+i)%4]
	}
}

func TestMaskAgainstDefinition(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	source := make([]byte, 300)
	for i := range source {
		source[i] = byte(random.Uint32())
	}
	key := [4]byte{0x12, 0xF4, 0x00, 0x9B}
	for offset := range 9 { // every alignment
		for length := range 280 {
			for pos := range 5 {
				got, want := bytes.Clone(source), bytes.Clone(source)
				next := Mask(got[offset:offset+length], key, pos)
				naiveMask(want[offset:offset+length], key, pos)
				if !bytes.Equal(got, want) || next != (pos+length)%4 {
					t.Fatalf("offset %d, length %d, pos %d: next %d", offset, length, pos, next)
				}
			}
		}
	}
}

func TestMaskInChunks(t *testing.T) {
	source := bytes.Repeat([]byte("payload "), 20)
	want := bytes.Clone(source)
	naiveMask(want, testKey, 0)
	for first := range source {
		for _, chunk := range []int{1, 2, 3, 5, 7, 64} {
			got := bytes.Clone(source)
			pos := Mask(got[:first], testKey, 0)
			for i := first; i < len(got); i += chunk {
				pos = Mask(got[i:min(i+chunk, len(got))], testKey, pos)
			}
			if !bytes.Equal(got, want) {
				t.Fatalf("first %d, chunk %d", first, chunk)
			}
		}
	}
}

func TestMaskAgainstGobwas(t *testing.T) {
	for length := range 200 {
		got, want := make([]byte, length), make([]byte, length)
		Mask(got, testKey, 3)
		ws.Cipher(want, testKey, 3)
		if !bytes.Equal(got, want) {
			t.Fatalf("length %d", length)
		}
	}
}

func BenchmarkMask(b *testing.B) {
	for _, size := range []int{16, 64, 125, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10} {
		payload := make([]byte, size)
		b.Run(fmt.Sprintf("codec=frame/size=%dB", size), func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				Mask(payload, testKey, 0)
			}
		})
		b.Run(fmt.Sprintf("codec=gobwas/size=%dB", size), func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				ws.Cipher(payload, testKey, 0)
			}
		})
	}
}
