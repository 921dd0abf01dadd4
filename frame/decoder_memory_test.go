package frame

import (
	"bytes"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

func TestDecoderAtRestIsOnePointer(t *testing.T) {
	if size := unsafe.Sizeof(Decoder{}); size != unsafe.Sizeof(uintptr(0)) {
		t.Errorf("a Decoder takes %d bytes", size)
	}
	if size := unsafe.Sizeof(partial{}); size > 144 {
		t.Errorf("a scratch state takes %d bytes", size)
	}
}

func TestWholeFrameIsAViewWithoutAllocation(t *testing.T) {
	for _, first := range []byte{0x81, 0x82, 0x89, 0x88} {
		in := rawFrame(Server, first, strings.Repeat("x", 100))
		backup := bytes.Clone(in)
		var cfg DecoderConfig
		var d Decoder
		allocs := testing.AllocsPerRun(100, func() {
			copy(in, backup)
			m, n, err := d.Next(&cfg, in)
			if err != nil || n != len(in) || &m.Payload[0] != &in[6] || cap(m.Payload) != 100 {
				t.Fatal(n, err)
			}
			m.Release()
		})
		if allocs != 0 {
			t.Errorf("first byte %#x: %v allocations", first, allocs)
		}
	}
}

// TestCutFramesTakeScratchFromTheFreeList: with pooled buffers a cut frame costs no allocation either.
func TestCutFramesTakeScratchFromTheFreeList(t *testing.T) {
	in := stream(0x02, "half ", 0x89, "ping", 0x80, "other")
	backup := bytes.Clone(in)
	pooled := &pooledBuffer{}
	cfg := DecoderConfig{NewBuffer: func(int) Buffer { return pooled }}
	var d Decoder
	allocs := testing.AllocsPerRun(100, func() {
		copy(in, backup)
		messages := 0
		for _, part := range [][]byte{in[:3], in[3:20], in[20:26], in[26:]} {
			for len(part) > 0 {
				m, n, err := d.Next(&cfg, part)
				if err != nil {
					t.Fatal(err)
				}
				if m.Opcode != 0 {
					messages++
				}
				m.Release()
				part = part[n:]
			}
		}
		if messages != 2 || !d.AtRest() || cfg.freeCount != 1 {
			t.Fatal(messages, cfg.freeCount)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

type pooledBuffer struct{ data []byte }

func (b *pooledBuffer) Write(p []byte) (int, error) {
	b.data = append(b.data, p...)
	return len(p), nil
}
func (b *pooledBuffer) Bytes() []byte { return b.data }
func (b *pooledBuffer) Release()      { b.data = b.data[:0] }

// TestScratchIsGivenBackAtRest cuts a conversation at every byte and looks at the free list at each rest.
func TestScratchIsGivenBackAtRest(t *testing.T) {
	in := stream(0x01, "a", 0x89, "p", 0x80, "b", 0x82, "whole", 0x8A, "")
	for cut := range in {
		var cfg DecoderConfig
		var d Decoder
		rest := bytes.Clone(in)
		for _, part := range [][]byte{rest[:cut], rest[cut:]} {
			for len(part) > 0 {
				m, n, err := d.Next(&cfg, part)
				if err != nil {
					t.Fatal(err)
				}
				m.Release()
				part = part[n:]
				if d.AtRest() != (d.partial == nil) || d.AtRest() && cfg.freeCount > 1 {
					t.Fatalf("cut %d: at rest %v, %d free", cut, d.AtRest(), cfg.freeCount)
				}
			}
		}
		if !d.AtRest() || cfg.freeCount != 1 || *cfg.free != (partial{}) {
			t.Fatalf("cut %d: at rest %v, %d free", cut, d.AtRest(), cfg.freeCount)
		}
	}
}

func TestFreeListIsBounded(t *testing.T) {
	var cfg DecoderConfig
	decoders := make([]Decoder, 2*maxFreePartials)
	for i := range decoders {
		if _, n, err := decoders[i].Next(&cfg, []byte{0x81}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
	for i := range decoders {
		decoders[i].Reset(&cfg)
	}
	count := 0
	for p := cfg.free; p != nil; p = p.next {
		count++
	}
	if count != maxFreePartials || cfg.freeCount != count {
		t.Errorf("%d in the list, %d counted", count, cfg.freeCount)
	}
}

// allocated tells how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestClaimedLengthsAllocateNothing: neither a length over the limit nor one below it is believed.
func TestClaimedLengthsAllocateNothing(t *testing.T) {
	const limit = 1 << 40
	for _, top := range [][]byte{
		{0x40, 0, 0, 0, 0, 0, 0, 0},   // 2^62
		{0x7F, 255, 0, 0, 0, 0, 0, 0}, // almost 2^63
		{0, 0, 1, 0, 0, 0, 0, 0},      // the limit
		{0, 0, 0, 0, 0x7F, 255, 0, 0}, // almost 2^31
	} {
		in := slices.Concat([]byte{0x82, 0xFF}, top, testKey[:], []byte("x"))
		got := allocated(func() {
			cfg := DecoderConfig{MaxMessageBytes: limit}
			var d Decoder
			d.Next(&cfg, in)
		})
		if got > 1<<10 {
			t.Errorf("length % x: %d bytes allocated", top, got)
		}
	}
}

// TestMillionTinyFragments: O(1) of memory a frame, and time that grows with the bytes alone; each byte is copied a
// bounded number of times because the buffer doubles.
func TestMillionTinyFragments(t *testing.T) {
	const fragments = 1_000_000
	for _, payload := range []string{"", "f"} {
		one := rawFrame(Server, 0x00, payload)
		cfg := DecoderConfig{MaxMessageBytes: fragments}
		var d Decoder
		segment := slices.Repeat(one, 1000)
		part := make([]byte, len(segment))
		got := allocated(func() {
			d.Next(&cfg, rawFrame(Server, 0x02, payload))
			for range fragments/1000 - 1 {
				copy(part, segment)
				if _, _, err := d.Next(&cfg, part); err != nil {
					t.Fatal(err)
				}
			}
		})
		if limit := uint64(4*fragments*len(payload) + 4<<10); got > limit {
			t.Errorf("payload %q: %d bytes allocated in all, more than %d", payload, got, limit)
		}
		m, _, err := d.Next(&cfg, rawFrame(Server, 0x80, payload))
		if want := (fragments - 998) * len(payload); err != nil || len(m.Payload) != want || cap(m.Payload) > 2*want {
			t.Errorf("payload %q: %d bytes in %d, %v; want %d", payload, len(m.Payload), cap(m.Payload), err, want)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	for name, in := range map[string][]byte{
		"kind=text/payload=16B":   stream(0x81, strings.Repeat("x", 16)),
		"kind=text/payload=128B":  stream(0x81, strings.Repeat("x", 128)),
		"kind=binary/payload=16B": stream(0x82, strings.Repeat("x", 16)),
		"kind=binary/payload=4KB": stream(0x82, strings.Repeat("x", 4096)),
		"kind=ping/payload=0B":    stream(0x89, ""),
		"kind=text/fragments=2":   stream(0x01, strings.Repeat("x", 64), 0x80, strings.Repeat("x", 64)),
	} {
		b.Run(name, func(b *testing.B) {
			cfg := DecoderConfig{NewBuffer: func() func(int) Buffer {
				pooled := &pooledBuffer{}
				return func(int) Buffer { return pooled }
			}()}
			var d Decoder
			work := bytes.Clone(in)
			b.ReportAllocs()
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				copy(work, in)
				m, _, err := d.Next(&cfg, work)
				if err != nil {
					b.Fatal(err)
				}
				m.Release()
			}
		})
	}
}
