package frame

import (
	"bytes"
	"compress/flate"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// deflateFrame builds a compressed text frame to a server from a payload in hex bytes or raw.
func deflateFrame(payload string) []byte { return rawFrame(Server, 0xC1, payload) }

// deflateStd compresses with the standard library, which this package does not build on.
func deflateStd(parts ...string) string {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression)
	for _, p := range parts {
		_, _ = w.Write([]byte(p))
		_ = w.Flush()
	}
	return strings.TrimSuffix(b.String(), flushTail)
}

// stored wraps p as one DEFLATE block without compression.
func stored(p string, final bool) string {
	first := "\x00"
	if final {
		first = "\x01"
	}
	return first + string([]byte{byte(len(p)), byte(len(p) >> 8), ^byte(len(p)), ^byte(len(p) >> 8)}) + p
}

// The examples of RFC 7692, section 7.2.3, and what is a DEFLATE stream or none.
var inflateTable = []struct {
	name, payload string
	want          string // "!" and a reason: it fails
}{
	{"one block (7.2.3.1)", "\xf2\x48\xcd\xc9\xc9\x07\x00", "Hello"},
	{"no compression (7.2.3.3)", "\x00\x05\x00\xfa\xffHello\x00", "Hello"},
	{"BFINAL (7.2.3.4)", "\xf3\x48\xcd\xc9\xc9\x07\x00\x00", "Hello"},
	{"two blocks (7.2.3.5)", "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", "Hello"},
	{"empty (7.2.3.6)", "\x00", ""},
	{"empty fixed block", "\x02\x00", ""},
	{"nothing at all", "", "! invalid_deflate"},
	{"many flushes", deflateStd("Hel", "", "lo", " Hello"), "Hello Hello"},
	{"final block and more", stored("Hel", true) + stored("lo", false) + "\x00", "Hello"},
	{"as many streams as may be", strings.Repeat(stored("a", true), maxFinalBlocks-1) + "\x00", strings.Repeat("a", maxFinalBlocks-1)},
	{"one stream more", strings.Repeat(stored("a", true), maxFinalBlocks) + "\x00", "! too_many_final_blocks"},
	{"reserved block type", "\x07", "! invalid_deflate"},
	{"stored length and its complement", "\x00\x05\x00\xfb\xffHello\x00", "! invalid_deflate"},
	{"cut stored block", "\x00\x05\x00\xfa\xffHel", "! invalid_deflate"},
	{"cut fixed block", "\xf2\x48\xcd\xc9", "! invalid_deflate"},
	{"reference before the start", "\x02\x23\x00\x00", "! invalid_deflate"},
	{"garbage behind a final block", "\xf3\x48\xcd\xc9\xc9\x07\x00\x00\x07", "! invalid_deflate"},
	{"garbage", "Hello", "! invalid_deflate"},
	{"no text", stored("\xff", false) + "\x00", "! invalid_utf8"},
	{"half a character", stored("\xc3", false) + "\x00", "! invalid_utf8"},
	{"a character over two blocks", stored("\xc3", false) + stored("\xa4", false) + "\x00", "ä"},
}

func deflateConfig() DecoderConfig { return DecoderConfig{Inflater: NewInflater()} }

// inflateLines is what a decoder should write down.
func inflateLines(want string) []string {
	if strings.HasPrefix(want, "! ") {
		return []string{want}
	}
	return []string{fmt.Sprintf("text %q", want), "at rest: true"}
}

func TestInflate(t *testing.T) {
	for _, c := range inflateTable {
		in := deflateFrame(c.payload)
		want := inflateLines(c.want)
		sameLines(t, c.name, run(t, deflateConfig(), in), want)
		sameLines(t, c.name+", byte by byte", run(t, deflateConfig(), in, byteCuts(in)...), want)
		for i := range c.payload {
			fragments := stream(0x41, c.payload[:i], 0x89, "ping", 0x80, c.payload[i:])
			lines := run(t, deflateConfig(), fragments)
			sameLines(t, fmt.Sprintf("%s, in fragments at %d", c.name, i), lines, slices.Concat([]string{`ping "ping"`}, want))
		}
	}
}

func TestReservedBitsUnderDeflate(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []byte
		want string
	}{
		{"ping", stream(0xC9, ""), "! reserved_bits"},
		{"close", stream(0xC8, ""), "! reserved_bits"},
		{"continuation", stream(0x41, "\x00", 0xC0, "\x00"), "! reserved_bits"},
		{"RSV2", stream(0xA1, ""), "! reserved_bits"},
		{"RSV3", stream(0x91, ""), "! reserved_bits"},
		{"RSV1 and RSV2", stream(0xE1, ""), "! reserved_bits"},
		{"reserved opcode", stream(0xC3, ""), "! reserved_bits"},
		{"plain", stream(0x81, "plain"), `text "plain"`},
	} {
		for _, cuts := range [][]int{nil, byteCuts(c.in)} {
			if lines := run(t, deflateConfig(), c.in, cuts...); lines[0] != c.want {
				t.Errorf("%s: %q, want %q", c.name, lines, c.want)
			}
		}
		if plain := run(t, DecoderConfig{}, c.in); c.want[0] == '!' && plain[0] != c.want {
			t.Errorf("%s, without deflate: %q", c.name, plain)
		}
	}
	if lines := run(t, DecoderConfig{}, deflateFrame("\x00")); lines[0] != "! reserved_bits" {
		t.Errorf("compressed, but nothing negotiated: %q", lines)
	}
}
