package loadtest

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestStampRoundTrip(t *testing.T) {
	stamps := []stamp{
		{},
		{Run: 1, Publisher: 2, Sequence: 3, Intended: 4},
		{Run: math.MaxUint32, Publisher: math.MaxUint32, Sequence: math.MaxUint32, Intended: 99_999_999_999_999},
	}
	for _, want := range stamps {
		for _, size := range []int{MinPayload, MinPayload + 1, 128, 4096} {
			text := appendStamp([]byte("before "), want, size)[len("before "):]
			if len(text) != size {
				t.Fatalf("%+v takes %d bytes, want %d", want, len(text), size)
			}
			envelope := append(append([]byte(`{"type":"message","data":"`), text...), `","offset":7}`...)
			if got, verdict := findStamp(envelope, size); verdict != stampGood || got != want {
				t.Errorf("%s: got %+v (%d), want %+v", text, got, verdict, want)
			}
		}
	}
}

func TestStampWithAnyByteChangedIsCorrupt(t *testing.T) {
	for _, size := range []int{MinPayload, 100, 3*len(padding) + 1} {
		text := appendStamp(nil, stamp{Run: 7, Publisher: 1, Sequence: 42, Intended: 1e9}, size)
		for at := range text {
			for _, flip := range []byte{0x01, 0x10, 0x80} {
				text[at] ^= flip
				_, verdict := findStamp(text, size)
				if verdict == stampGood || verdict == stampNone && at >= len(stampPrefix) {
					t.Errorf("byte %d of %d changed by %#x: verdict %d", at, size, flip, verdict)
				}
				text[at] ^= flip
			}
		}
	}
}

// TestPaddingOfAnyOtherByteIsFound goes around the checksum, which would find the change as well.
func TestPaddingOfAnyOtherByteIsFound(t *testing.T) {
	block := len(padding)
	for _, n := range []int{0, 1, 7, block - 1, block, block + 1, 2 * block, 2*block + 3} {
		got := appendPadding([]byte("before"), n)
		if want := "before" + strings.Repeat("x", n); string(got) != want {
			t.Fatalf("padding of %d bytes is %q", n, got)
		}
		b := got[len("before"):]
		if !isPadding(b) {
			t.Errorf("%d bytes are no padding", n)
		}
		for at := range b {
			b[at] = 'y'
			if isPadding(b) {
				t.Errorf("byte %d of %d is another one, and passes", at, n)
			}
			b[at] = 'x'
		}
	}
}

func TestStampOfAnotherLengthIsCorrupt(t *testing.T) {
	text := appendStamp(nil, stamp{Run: 7}, 100)
	for _, size := range []int{MinPayload, 99, 101, 128} {
		padded := append(bytes.Clone(text), bytes.Repeat([]byte{'x'}, 50)...)
		if _, verdict := findStamp(padded, size); verdict != stampCorrupt {
			t.Errorf("looked for %d bytes where 100 were sent: verdict %d", size, verdict)
		}
	}
	if _, verdict := findStamp(text[:60], 100); verdict != stampCorrupt {
		t.Errorf("cut short: verdict %d", verdict)
	}
	if _, verdict := findStamp([]byte(`{"type":"welcome"}`), 100); verdict != stampNone {
		t.Errorf("no stamp: verdict %d", verdict)
	}
}

func FuzzStamp(f *testing.F) {
	f.Add(appendStamp(nil, stamp{Run: 7, Publisher: 1, Sequence: 42, Intended: 1e9}, MinPayload), MinPayload)
	f.Add([]byte("wsl1:"), MinPayload)
	f.Fuzz(func(t *testing.T, payload []byte, size int) {
		if size < MinPayload || size > 4096 {
			return
		}
		s, verdict := findStamp(payload, size)
		if verdict != stampGood {
			return
		}
		// Whatever is accepted is what was written, but for leading zeros.
		text := payload[bytes.Index(payload, []byte(stampPrefix)):][:size]
		if again, ok := parseStamp(appendStamp(nil, s, size)); !ok || again != s {
			t.Errorf("%q reads as %+v, which does not come back", text, s)
		}
	})
}

// stampSizes are the payloads of the benchmarks.
var stampSizes = []int{128, 1 << 10, 16 << 10}

func BenchmarkFindStamp(b *testing.B) {
	for _, size := range stampSizes {
		b.Run(fmt.Sprintf("payload=%dB", size), func(b *testing.B) {
			envelope := append(append([]byte(`{"type":"message","channel":"load","data":"`), appendStamp(nil, stamp{Run: 7}, size)...), `","offset":7}`...)
			b.ReportAllocs()
			for b.Loop() {
				if _, verdict := findStamp(envelope, size); verdict != stampGood {
					b.Fatal(verdict)
				}
			}
		})
	}
}

func BenchmarkAppendStamp(b *testing.B) {
	for _, size := range stampSizes {
		b.Run(fmt.Sprintf("payload=%dB", size), func(b *testing.B) {
			var text []byte
			b.ReportAllocs()
			for b.Loop() {
				text = appendStamp(text[:0], stamp{Run: 7, Publisher: 3, Sequence: 1000, Intended: 1e9}, size)
			}
		})
	}
}
