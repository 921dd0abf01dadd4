package frame

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// fuzzConfig makes a config with tight limits out of one byte, so that they are often met.
func fuzzConfig(knobs byte) DecoderConfig {
	cfg := DecoderConfig{Role: Role(knobs & 1), MaxMessageBytes: 70_000}
	if knobs&2 != 0 {
		cfg.MaxMessageBytes = 40
	}
	if knobs&4 != 0 {
		cfg.MaxFragments = 3
	}
	return cfg
}

// addStreams seeds a target with the conversations and the longer forms of length. Long payloads are left to the
// tables: the fuzzer spends its time minimizing them.
func addStreams(f *testing.F) {
	for i, c := range conversations {
		f.Add(c.in, byte(i), uint16(3), uint16(7))
	}
	for _, role := range []Role{Server, Client} {
		f.Add(rawFrame(role, 0x82, string(make([]byte, 126))), byte(role), uint16(1), uint16(9))
		f.Add(AppendHeader(nil, true, OpBinary, 65536), byte(role), uint16(1), uint16(9))
	}
	f.Add([]byte{0x82, 0xFF, 0x80}, byte(0), uint16(1), uint16(2))
}

// FuzzDecoder: the same verdict and messages in any cut.
func FuzzDecoder(f *testing.F) {
	addStreams(f)
	f.Fuzz(func(t *testing.T, in []byte, knobs byte, first, second uint16) {
		cfg := fuzzConfig(knobs)
		want := run(t, cfg, in)
		cuts := []int{int(first) % (len(in) + 1), int(second) % (len(in) + 1)}
		slices.Sort(cuts)
		sameLines(t, fmt.Sprint("cuts ", cuts), run(t, cfg, in, cuts...), want)
		if len(in) < 2000 {
			sameLines(t, "byte by byte", run(t, cfg, in, byteCuts(in)...), want)
		}
	})
}

// FuzzDecoderDifferential: a slow reader of whole streams, on gobwas/ws's headers and cipher, agrees.
func FuzzDecoderDifferential(f *testing.F) {
	addStreams(f)
	f.Fuzz(func(t *testing.T, in []byte, knobs byte, cut, _ uint16) {
		cfg := fuzzConfig(knobs)
		ref := reference{cfg: cfg, in: slices.Clone(in)}
		failure := ref.read()
		got := run(t, cfg, in, int(cut)%(len(in)+1))
		verdict := got[len(got)-1]
		sameLines(t, "messages", got[:len(got)-1], ref.lines)
		switch {
		case failure != "":
			if verdict != "! "+failure {
				t.Errorf("%q, the reference says %q", verdict, failure)
			}
		case len(ref.in) == 0:
			if want := fmt.Sprintf("at rest: %v", ref.opcode == 0); verdict != want {
				t.Errorf("%q, the reference says %q", verdict, want)
			}
		case verdict == "at rest: true":
			t.Error("at rest with a part of a frame read")
		}
	})
}

// reference reads whole frames only. Where in ends within one it stops without a verdict: the decoder, which looks at
// single bytes, may already have one.
type reference struct {
	cfg    DecoderConfig
	in     []byte
	lines  []string
	opcode ws.OpCode // of the open message
	data   []byte
	frames int
}

func (r *reference) read() (failure string) {
	for failure == "" {
		reader := bytes.NewReader(r.in)
		h, err := ws.ReadHeader(reader)
		if err != nil {
			return r.headerFailure(err)
		}
		size := len(r.in) - reader.Len()
		if failure := r.check(h, size); failure != "" {
			return failure
		}
		if int64(reader.Len()) < h.Length {
			return ""
		}
		payload := r.in[size : size+int(h.Length)]
		r.in = r.in[size+int(h.Length):]
		if h.Masked {
			ws.Cipher(payload, h.Mask, 0)
		}
		failure = r.take(h, payload)
	}
	return failure
}

// headerFailure: a part of a header is no failure; a length that overflows is one, unless something before it is.
func (r *reference) headerFailure(err error) string {
	if err != ws.ErrHeaderLengthMSB {
		return ""
	}
	h := ws.Header{Fin: r.in[0]&0x80 != 0, Rsv: r.in[0] >> 4 & 7, OpCode: ws.OpCode(r.in[0] & 15), Masked: r.in[1]&0x80 != 0, Length: 1 << 62}
	if failure := r.check(h, 10); failure != "message_too_big" {
		return failure
	}
	return "length_overflow"
}

// check puts the rules in the order in which the bytes arrive that decide them.
func (r *reference) check(h ws.Header, size int) string {
	extended := size - 2
	if h.Masked {
		extended -= 4
	}
	open := r.opcode != 0
	switch {
	case h.Rsv != 0:
		return "reserved_bits"
	case h.OpCode.IsReserved():
		return "reserved_opcode"
	case h.OpCode.IsControl() && !h.Fin:
		return "fragmented_control"
	case !h.OpCode.IsControl() && open && h.OpCode != ws.OpContinuation:
		return "expected_continuation"
	case !open && h.OpCode == ws.OpContinuation:
		return "unexpected_continuation"
	case !h.OpCode.IsControl() && r.cfg.MaxFragments > 0 && r.frames >= r.cfg.MaxFragments:
		return "too_many_fragments"
	case r.cfg.Role == Server && !h.Masked:
		return "unmasked_frame"
	case r.cfg.Role == Client && h.Masked:
		return "masked_frame"
	case h.OpCode.IsControl() && extended > 0:
		return "control_too_long"
	case h.Length < 126 && extended > 0, h.Length < 1<<16 && extended > 2:
		return "non_minimal_length"
	case !h.OpCode.IsControl() && int64(len(r.data))+h.Length > r.cfg.MaxMessageBytes:
		return "message_too_big"
	}
	return ""
}

func (r *reference) take(h ws.Header, payload []byte) string {
	if h.OpCode.IsControl() {
		r.lines = append(r.lines, fmt.Sprintf("%v %q", Opcode(h.OpCode), payload))
		return ""
	}
	if h.OpCode != ws.OpContinuation {
		r.opcode = h.OpCode
	}
	r.frames++
	r.data = append(r.data, payload...)
	if r.opcode == ws.OpText && (!possibleStart(r.data) || h.Fin && !utf8.Valid(r.data)) {
		return "invalid_utf8"
	}
	if h.Fin {
		r.lines = append(r.lines, fmt.Sprintf("%v %q", Opcode(r.opcode), r.data))
		r.opcode, r.data, r.frames = 0, nil, 0
	}
	return ""
}

// TestReferenceAgrees runs the differential on the conversations, so that it is checked without the fuzzer, too.
func TestReferenceAgrees(t *testing.T) {
	for _, c := range conversations {
		ref := reference{cfg: DecoderConfig{MaxMessageBytes: DefaultMaxMessageBytes}, in: slices.Clone(c.in)}
		failure := ref.read()
		got := run(t, DecoderConfig{}, c.in)
		sameLines(t, c.name, ref.lines, got[:len(got)-1])
		if last := got[len(got)-1]; failure != "" && last != "! "+failure {
			t.Errorf("%s: %s, the reference says %q", c.name, last, failure)
		}
	}
}
