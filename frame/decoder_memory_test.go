package frame

import (
	"bytes"
	"fmt"
	"reflect"
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
	if size := unsafe.Sizeof(partial{}); size > 176 {
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
		if !d.AtRest() || cfg.freeCount != 1 || !reflect.ValueOf(*cfg.free).IsZero() {
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

// sizedBuffer counts the storage that buffers hold now, and the most that they have held.
type sizedBuffer struct {
	heapBuffer
	held, most *int
}

func (b *sizedBuffer) Write(p []byte) (int, error) {
	before := cap(b.data)
	n, err := b.heapBuffer.Write(p)
	*b.held += cap(b.data) - before
	*b.most = max(*b.most, *b.held)
	return n, err
}

func (b *sizedBuffer) Release() {
	*b.held -= cap(b.data)
	b.heapBuffer.Release()
}

// TestHalfAMessageHoldsWhatHasArrived: whatever a peer sends, the connection holds no more than that and 64 KiB, so no
// more than the limit and 64 KiB. Only a message that is complete is held twice, while it is joined for the handler.
func TestHalfAMessageHoldsWhatHasArrived(t *testing.T) {
	const limit = 1 << 20
	for _, kind := range []struct {
		name  string
		first byte
	}{{"plain", 0x02}, {"compressed", 0x42}} {
		for _, fragment := range []int{1, 1000, 70_000, limit} {
			held, most := 0, 0
			cfg := DecoderConfig{MaxMessageBytes: limit, Inflater: NewInflater(), NewBuffer: func(int) Buffer {
				return &sizedBuffer{held: &held, most: &most}
			}}
			var d Decoder
			in := rawFrame(Server, kind.first, strings.Repeat("x", fragment))
			more := rawFrame(Server, 0x00, strings.Repeat("x", fragment))
			arrived := 0
			for arrived+fragment <= limit {
				for part := range slices.Chunk(slices.Clone(in), 50_000) {
					if _, _, err := d.Next(&cfg, part); err != nil {
						t.Fatal(err)
					}
					arrived += len(part)
					if held > arrived+pieceBytes || most > arrived+2*pieceBytes {
						t.Fatalf("%s, fragments of %d: %d bytes held, %d at most, when %d had arrived", kind.name, fragment, held, most, arrived)
					}
				}
				in = more
			}
			d.Reset(&cfg)
			if held != 0 {
				t.Errorf("%s: %d bytes are still held", kind.name, held)
			}
		}
	}
}

// TestInflatingHoldsTheLimit: what is held of a compressed message, in and out, is the limit and 64 KiB, and what buffers
// round up. Joining it for the handler holds it once more.
func TestInflatingHoldsTheLimit(t *testing.T) {
	const limit = 1 << 20
	honest := words(limit, 5)
	bomb := strings.Repeat("a", limit) + noise(limit) // expands at once, while most of its bytes still wait
	for _, c := range []struct{ name, text, want string }{
		{"words", honest, ""}, {"noise", noise(limit), ""}, {"bomb", bomb, "! message_too_big"}, {"zeros", string(make([]byte, 100*limit)), "! message_too_big"},
	} {
		held, most := 0, 0
		cfg := DecoderConfig{MaxMessageBytes: limit, Inflater: NewInflater(), NewBuffer: func(size int) Buffer {
			if size > pieceBytes { // the joined message
				return newHeapBuffer(size)
			}
			return &sizedBuffer{held: &held, most: &most}
		}}
		var d Decoder
		wire := deflateStd(c.text)
		if len(wire) > limit+inflateSlack {
			wire = wire[:limit] // no more would be read
		}
		in := rawFrame(Server, 0xC2, wire)
		var failure error
		for part := range slices.Chunk(in, 50_000) {
			m, _, err := d.Next(&cfg, part)
			m.Release()
			failure = err
		}
		if got := fmt.Sprint(failure); (c.want == "") != (failure == nil) || c.want != "" && !strings.Contains(got, c.want[2:]) {
			t.Errorf("%s: %v, want %q", c.name, failure, c.want)
		}
		if most > limit+inflateSlack+2*pieceBytes {
			t.Errorf("%s: %d bytes held at most", c.name, most)
		}
		if d.Reset(&cfg); held != 0 {
			t.Errorf("%s: %d bytes are still held", c.name, held)
		}
	}
}
