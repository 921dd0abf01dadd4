package frame

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// words makes text of n bytes that compresses well, with matches at all distances.
func words(n int, seed uint64) string {
	rng := rand.New(rand.NewPCG(seed, 1))
	var b strings.Builder
	for b.Len() < n {
		fmt.Fprintf(&b, "{\"key%d\":\"value %d\"},", rng.IntN(500), rng.IntN(5000))
	}
	return b.String()[:n]
}

// noise makes n bytes that do not compress.
func noise(n int) string {
	rng := rand.New(rand.NewPCG(7, 7))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return string(b)
}

// masked turns a frame of a server into one of a client.
func masked(b []byte) []byte {
	cfg := DecoderConfig{Role: Client, MaxMessageBytes: 1 << 40, Inflater: NewInflater()}
	var h header
	if err := h.parse(b, cfg.Role, 1<<40); err != nil || h.size == 0 {
		panic(fmt.Sprint(err))
	}
	return rawFrame(Server, b[0], string(b[h.size:]))
}

func TestDeflateRoundTrip(t *testing.T) {
	for bits := uint8(MinWindowBits); bits <= MaxWindowBits; bits++ {
		for _, level := range []int{1, 6, 9} {
			d := NewDeflater(bits, level)
			for _, size := range []int{300, 4096, 70_000, 200_000} {
				payload := words(size, uint64(size))
				b, compressed := d.AppendFrame([]byte("before"), OpText, []byte(payload), nil)
				if !compressed || string(b[:6]) != "before" || len(b) >= size {
					t.Fatalf("%d bits, level %d, %d bytes: compressed %v to %d", bits, level, size, compressed, len(b)-6)
				}
				cfg := DecoderConfig{Role: Client, MaxMessageBytes: int64(size), Inflater: NewInflater()}
				sameLines(t, fmt.Sprint(bits, level, size), run(t, cfg, b[6:]), inflateLines(payload))
				cfg = DecoderConfig{MaxMessageBytes: int64(size), Inflater: NewInflater()}
				in := masked(b[6:])
				sameLines(t, fmt.Sprint(bits, level, size, " in pieces"), run(t, cfg, in, 9, 1000%len(in)), inflateLines(payload))
			}
		}
	}
}

func TestWhatDoesNotShrinkIsSentAsItIs(t *testing.T) {
	d := NewDeflater(MaxWindowBits, 1)
	for _, payload := range []string{"", "a", "Hello", noise(100), noise(100_000)} {
		w := NewWindow(MaxWindowBits)
		b, compressed := d.AppendFrame(nil, OpBinary, []byte(payload), w)
		if compressed || !bytes.Equal(b, AppendFrame(nil, OpBinary, []byte(payload))) {
			t.Errorf("%d bytes: compressed %v", len(payload), compressed)
		}
		if len(w.data) != 0 {
			t.Errorf("%d bytes: a plain message entered the context", len(payload))
		}
	}
}

func TestNewDeflaterChecksItsArguments(t *testing.T) {
	for _, c := range []struct {
		bits  uint8
		level int
	}{{8, 1}, {16, 1}, {15, 0}, {15, 10}, {9, -1}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v: no panic", c)
				}
			}()
			NewDeflater(c.bits, c.level)
		}()
	}
}

// TestContextTakeover sends many messages each way: each refers to the ones before it, plain ones in between do not
// count, and neither side keeps more than its window.
func TestContextTakeover(t *testing.T) {
	for _, bits := range []uint8{9, 12, 15} {
		d := NewDeflater(bits, 6)
		out, in := NewWindow(bits), NewWindow(bits)
		cfg := DecoderConfig{Role: Client, Inflater: NewInflater(), Window: in}
		var decoder Decoder
		alone, together := 0, 0
		for i := range 2000 {
			payload := words(1+i%900, uint64(i%5))
			if i%17 == 0 {
				payload = "x"
			}
			b, _ := d.AppendFrame(nil, OpText, []byte(payload), out)
			together += len(b)
			single, _ := d.AppendFrame(nil, OpText, []byte(payload), nil)
			alone += len(single)
			m, _, err := decoder.Next(&cfg, b)
			if err != nil || string(m.Payload) != payload {
				t.Fatalf("%d bits, message %d: %v %q", bits, i, err, m.Payload)
			}
			m.Release()
			if !bytes.Equal(in.data, out.data) || cap(in.data) > 1<<bits || cap(out.data) > 1<<bits {
				t.Fatalf("%d bits, message %d: windows of %d and %d bytes", bits, i, cap(in.data), cap(out.data))
			}
		}
		if bits >= 12 && together*3 > alone*2 {
			t.Errorf("%d bits: %d bytes with context, %d without", bits, together, alone)
		}
	}
}

// TestNoContextReachesTheNextMessage: one Deflater serves many connections.
func TestNoContextReachesTheNextMessage(t *testing.T) {
	d := NewDeflater(MaxWindowBits, 1)
	secret := []byte(words(3000, 1))
	want, _ := d.AppendFrame(nil, OpText, secret, nil)
	w := NewWindow(MaxWindowBits)
	_, _ = d.AppendFrame(nil, OpText, secret, w)
	_, _ = d.AppendFrame(nil, OpText, secret, w)
	if got, _ := d.AppendFrame(nil, OpText, secret, nil); !bytes.Equal(got, want) {
		t.Errorf("%d bytes behind other messages, %d at first", len(got), len(want))
	}
}

func BenchmarkDeflater(b *testing.B) {
	for _, size := range []int{512, 4096, 65536} {
		payload := []byte(words(size, 3))
		b.Run(fmt.Sprintf("payload=%dB", size), func(b *testing.B) {
			d := NewDeflater(MaxWindowBits, 1)
			var dst []byte
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				dst, _ = d.AppendFrame(dst[:0], OpText, payload, nil)
			}
			b.ReportMetric(float64(len(dst))/float64(size), "ratio")
		})
	}
}

func BenchmarkInflater(b *testing.B) {
	for _, size := range []int{512, 4096, 65536} {
		b.Run(fmt.Sprintf("payload=%dB", size), func(b *testing.B) {
			in, _ := NewDeflater(MaxWindowBits, 1).AppendFrame(nil, OpText, []byte(words(size, 3)), nil)
			cfg := DecoderConfig{Role: Client, Inflater: NewInflater()}
			var d Decoder
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				m, _, err := d.Next(&cfg, in)
				if err != nil {
					b.Fatal(err)
				}
				m.Release()
			}
		})
	}
}
