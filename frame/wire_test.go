package frame

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

// testKey is the masking key of the example in RFC 6455, section 5.7.
var testKey = [4]byte{0x37, 0xfa, 0x21, 0x3d}

// rawFrame builds a frame from its first byte, so that illegal ones can be built, too; its length is minimal.
func rawFrame(role Role, first byte, payload string) []byte {
	op, fin := Opcode(first&^finBit), first&finBit != 0
	if role == Client {
		return append(AppendHeader(nil, fin, op, len(payload)), payload...)
	}
	b := AppendMaskedHeader(nil, fin, op, len(payload), testKey)
	start := len(b)
	b = append(b, payload...)
	Mask(b[start:], testKey, 0)
	return b
}

// stream joins frames to a server, each "first byte, payload".
func stream(frames ...any) []byte {
	var b []byte
	for i := 0; i < len(frames); i += 2 {
		b = append(b, rawFrame(Server, byte(frames[i].(int)), frames[i+1].(string))...)
	}
	return b
}

// ledger counts assembly buffers, and what they were asked for and got.
type ledger struct {
	out, taken, bytes, hinted int
	double                    bool
	refuseAfter               int // 0: never
}

type ledgerBuffer struct {
	*ledger
	data     []byte
	released bool
}

func (l *ledger) newBuffer(size int) Buffer {
	l.out++
	l.taken++
	l.hinted += size
	return &ledgerBuffer{ledger: l}
}

func (b *ledgerBuffer) Write(p []byte) (int, error) {
	b.bytes += len(p)
	if b.refuseAfter > 0 && b.bytes > b.refuseAfter {
		return 0, errors.New("over budget")
	}
	b.data = append(b.data, p...)
	return len(p), nil
}

func (b *ledgerBuffer) Bytes() []byte { return b.data }

func (b *ledgerBuffer) Release() {
	if b.released {
		b.double = true
	}
	b.released = true
	b.out--
	for i := range b.data {
		b.data[i] = 0xDB
	}
}

// run decodes a copy of in, cut before each index in cuts, and writes down what came out: one line a message, then
// the failure, or whether the decoder stands between two messages.
func run(t testing.TB, cfg DecoderConfig, in []byte, cuts ...int) []string {
	t.Helper()
	var l ledger
	cfg.NewBuffer = l.newBuffer
	var d Decoder
	var lines []string
	rest := slices.Clone(in)
	arrived := 0
	for _, cut := range append(slices.Clone(cuts), len(in)) {
		part := rest[:cut-arrived]
		rest, arrived = rest[cut-arrived:], cut
		more, failed := feed(t, &d, &cfg, part)
		lines = append(lines, more...)
		if cfg.Inflater == nil && l.hinted > arrived {
			t.Fatalf("asked for %d bytes of buffer when %d had arrived", l.hinted, arrived)
		}
		if failed {
			break
		}
	}
	if last := len(lines) - 1; last < 0 || lines[last][0] != '!' {
		lines = append(lines, fmt.Sprintf("at rest: %v", d.AtRest()))
	}
	d.Reset(&cfg)
	if !d.AtRest() || l.out != 0 || l.double {
		t.Fatalf("after Reset: at rest %v, buffers out %d, double release %v", d.AtRest(), l.out, l.double)
	}
	return lines
}

// feed gives one chunk to the decoder until it is used up.
func feed(t testing.TB, d *Decoder, cfg *DecoderConfig, part []byte) (lines []string, failed bool) {
	t.Helper()
	for {
		m, n, err := d.Next(cfg, part)
		if n < 0 || n > len(part) {
			t.Fatalf("consumed %d of %d bytes", n, len(part))
		}
		if err != nil {
			if _, _, again := d.Next(cfg, nil); again != err || d.AtRest() {
				t.Fatalf("a failure must be final: %v, then %v", err, again)
			}
			return append(lines, "! "+err.(*Error).Reason), true
		}
		part = part[n:]
		if m.Opcode == OpContinuation {
			if len(part) > 0 {
				t.Fatalf("no message, no failure, and %d bytes left over", len(part))
			}
			return lines, false
		}
		lines = append(lines, fmt.Sprintf("%v %q", m.Opcode, m.Payload))
		m.Release()
		m.Release()
	}
}

// byteCuts cuts at every index.
func byteCuts(in []byte) []int {
	cuts := make([]int, len(in))
	for i := range cuts {
		cuts[i] = i
	}
	return cuts
}

func sameLines(t testing.TB, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}
