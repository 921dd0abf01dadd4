package frame

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// conversations are streams to a server and what comes of them.
var conversations = []struct {
	name string
	in   []byte
	want []string
}{
	{"nothing", nil, []string{"at rest: true"}},
	{"text", stream(0x81, "Hello"), []string{`text "Hello"`, "at rest: true"}},
	{"empty text", stream(0x81, ""), []string{`text ""`, "at rest: true"}},
	{"NUL and BOM", stream(0x81, "\x00\uFEFF"), []string{`text "\x00\ufeff"`, "at rest: true"}},
	{"binary", stream(0x82, "\xFE\x00"), []string{`binary "\xfe\x00"`, "at rest: true"}},
	{"ping of 125", stream(0x89, strings.Repeat("p", 125)), []string{fmt.Sprintf("ping %q", strings.Repeat("p", 125)), "at rest: true"}},
	{"pong, close", stream(0x8A, "", 0x88, "\x03\xE8"), []string{`pong ""`, `close "\x03\xe8"`, "at rest: true"}},
	{"ten pings", slices.Repeat(stream(0x89, "x"), 10), append(slices.Repeat([]string{`ping "x"`}, 10), "at rest: true")},
	{"two fragments", stream(0x01, "Hel", 0x80, "lo"), []string{`text "Hello"`, "at rest: true"}},
	{"three empty fragments", stream(0x01, "", 0x00, "", 0x80, ""), []string{`text ""`, "at rest: true"}},
	{"empty, text, empty", stream(0x01, "", 0x00, "mid", 0x80, ""), []string{`text "mid"`, "at rest: true"}},
	{"empty, empty, text", stream(0x01, "", 0x00, "", 0x80, "end"), []string{`text "end"`, "at rest: true"}},
	{"ping inside", stream(0x01, "a", 0x89, "now", 0x80, "b"), []string{`ping "now"`, `text "ab"`, "at rest: true"}},
	{"many inside", stream(0x02, "a", 0x89, "1", 0x8A, "", 0x00, "b", 0x89, "22", 0x80, "c"),
		[]string{`ping "1"`, `pong ""`, `ping "22"`, `binary "abc"`, "at rest: true"}},
	{"close inside", stream(0x01, "a", 0x88, "", 0x80, "b"), []string{`close ""`, `text "ab"`, "at rest: true"}},
	{"character over fragments", stream(0x01, "\xCE", 0x89, "", 0x80, "\xBA"), []string{`ping ""`, `text "κ"`, "at rest: true"}},
	{"character over empty fragments", stream(0x01, "\xF0\x9F", 0x00, "", 0x00, "\x98", 0x80, "\x80"), []string{`text "😀"`, "at rest: true"}},
	{"bad UTF-8 behind a good text", stream(0x81, "ok", 0x81, "\xC0\xAF"), []string{`text "ok"`, "! invalid_utf8"}},
	{"end inside a character", stream(0x01, "\xCE", 0x89, "!", 0x80, ""), []string{`ping "!"`, "! invalid_utf8"}},
	{"text state starts anew", stream(0x01, "a\xCE", 0x80, "\xBA", 0x81, "b"), []string{`text "aκ"`, `text "b"`, "at rest: true"}},
	{"no UTF-8 in binary", stream(0x02, "\xFF", 0x80, "\xC0"), []string{`binary "\xff\xc0"`, "at rest: true"}},
	{"text in an open message", stream(0x01, "a", 0x81, "b"), []string{"! expected_continuation"}},
	{"continuation behind a message", stream(0x01, "a", 0x80, "b", 0x00, "c"), []string{`text "ab"`, "! unexpected_continuation"}},
	{"good text, RSV, ping", slices.Concat(stream(0x81, "ok"), []byte{0xA1}, stream(0x89, "")), []string{`text "ok"`, "! reserved_bits"}},
	{"second request", []byte("GET / HTTP/1.1\r\n"), []string{"! reserved_bits"}},
	{"half a header", stream(0x82, "abc")[:4], []string{"at rest: false"}},
	{"half a payload", stream(0x82, "abc")[:8], []string{"at rest: false"}},
	{"half a message", stream(0x02, "abc"), []string{"at rest: false"}},
	{"half a ping in half a message", stream(0x02, "abc", 0x89, "ping")[:17], []string{"at rest: false"}},
}

func TestConversationsInAnyCut(t *testing.T) {
	for _, c := range conversations {
		sameLines(t, c.name, run(t, DecoderConfig{}, c.in), c.want)
		sameLines(t, c.name+", byte by byte", run(t, DecoderConfig{}, c.in, byteCuts(c.in)...), c.want)
		for i := range c.in {
			sameLines(t, fmt.Sprintf("%s, cut at %d", c.name, i), run(t, DecoderConfig{}, c.in, i), c.want)
			for j := i; j < len(c.in) && len(c.in) < 60; j++ {
				sameLines(t, fmt.Sprintf("%s, cut at %d and %d", c.name, i, j), run(t, DecoderConfig{}, c.in, i, j), c.want)
			}
		}
	}
}

// TestFrameKindsCutAtEveryByte does so with each kind and each form of length, to both roles.
func TestFrameKindsCutAtEveryByte(t *testing.T) {
	for _, role := range []Role{Server, Client} {
		for _, first := range []byte{0x81, 0x82, 0x88, 0x89, 0x8A} {
			for _, length := range []int{0, 1, 2, 7, 8, 9, 125, 126, 200} {
				op := Opcode(first & opcodeBits)
				if op.IsControl() && length > MaxControlBytes {
					continue
				}
				payload := strings.Repeat("z", length)
				in := slices.Repeat(rawFrame(role, first, payload), 2)
				line := fmt.Sprintf("%v %q", op, payload)
				want := []string{line, line, "at rest: true"}
				for cut := range len(in) + 1 {
					sameLines(t, fmt.Sprintf("%v %v %d cut at %d", role, op, length, cut), run(t, DecoderConfig{Role: role}, in, cut), want)
				}
			}
		}
	}
	in := rawFrame(Client, 0x82, strings.Repeat("y", 66000)) // the 64-bit form: cut within the header and a little behind
	want := run(t, DecoderConfig{Role: Client, MaxMessageBytes: 1 << 20}, in)
	for cut := range 20 {
		sameLines(t, "66,000 bytes", run(t, DecoderConfig{Role: Client, MaxMessageBytes: 1 << 20}, in, cut), want)
	}
}

func TestThousandFramesInOneSegment(t *testing.T) {
	in := slices.Repeat(stream(0x81, "m"), 1000)
	sameLines(t, "1,000 frames", run(t, DecoderConfig{}, in), append(slices.Repeat([]string{`text "m"`}, 1000), "at rest: true"))
}

func TestMessageLimit(t *testing.T) {
	cfg := DecoderConfig{MaxMessageBytes: 10}
	ten := strings.Repeat("x", 10)
	tests := []struct {
		name string
		in   []byte
		want []string
	}{
		{"exactly", stream(0x82, ten), []string{fmt.Sprintf("binary %q", ten), "at rest: true"}},
		{"one more", stream(0x82, ten+"x"), []string{"! message_too_big"}},
		{"one more, from the second byte", stream(0x82, ten+"x")[:2], []string{"! message_too_big"}},
		{"fragments, exactly", stream(0x02, ten[:4], 0x00, ten[4:9], 0x80, "x"), []string{fmt.Sprintf("binary %q", ten), "at rest: true"}},
		{"fragments, one more", stream(0x02, ten[:4], 0x00, ten[4:], 0x80, "x")[:22], []string{"at rest: false"}},
		{"fragments, one more from its header", stream(0x02, ten[:4], 0x00, ten[4:], 0x80, "x")[:24], []string{"! message_too_big"}},
		{"empty end of a full message", stream(0x02, ten, 0x80, ""), []string{fmt.Sprintf("binary %q", ten), "at rest: true"}},
		{"control frames do not count", stream(0x02, ten, 0x89, ten+ten, 0x80, ""),
			[]string{fmt.Sprintf("ping %q", ten+ten), fmt.Sprintf("binary %q", ten), "at rest: true"}},
		{"the next message starts anew", stream(0x02, ten, 0x80, "", 0x82, ten),
			[]string{fmt.Sprintf("binary %q", ten), fmt.Sprintf("binary %q", ten), "at rest: true"}},
	}
	for _, test := range tests {
		sameLines(t, test.name, run(t, cfg, test.in), test.want)
		sameLines(t, test.name+", byte by byte", run(t, cfg, test.in, byteCuts(test.in)...), test.want)
	}
	sameLines(t, "default", run(t, DecoderConfig{}, stream(0x82, string(make([]byte, 64<<10+1)))), []string{"! message_too_big"})
}

func TestFragmentLimit(t *testing.T) {
	cfg := DecoderConfig{MaxFragments: 3}
	three := stream(0x01, "a", 0x89, "", 0x00, "b", 0x89, "", 0x80, "c")
	want := []string{`ping ""`, `ping ""`, `text "abc"`, "at rest: true"}
	sameLines(t, "three", run(t, cfg, three, byteCuts(three)...), want)
	four := stream(0x01, "a", 0x00, "b", 0x00, "c", 0x80, "d")
	sameLines(t, "four", run(t, cfg, four), []string{"! too_many_fragments"})
	sameLines(t, "four, from the first byte", run(t, cfg, four[:22]), []string{"! too_many_fragments"})
	twice := slices.Concat(three, three)
	sameLines(t, "count starts anew", run(t, cfg, twice), slices.Concat(want[:3], want))
	cfg.MaxFragments = 1
	sameLines(t, "one", run(t, cfg, stream(0x81, "a", 0x01, "b", 0x80, "c")), []string{`text "a"`, "! too_many_fragments"})
}

func TestZeroMaskingKey(t *testing.T) {
	in := append([]byte{0x82, 0x83, 0, 0, 0, 0}, "abc"...)
	sameLines(t, "key 0", run(t, DecoderConfig{}, in), []string{`binary "abc"`, "at rest: true"})
}

// TestRandomStreamsInRandomCuts is segmentation invariance on streams that are mostly legal.
func TestRandomStreamsInRandomCuts(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 11))
	texts := []string{"", "a", "é", "\xE2\x82", "\xAC", "plain", strings.Repeat("long ", 30), "\xFF"}
	firsts := []int{0x81, 0x82, 0x89, 0x8A, 0x88, 0x01, 0x02, 0x00, 0x00, 0x80, 0x80}
	for round := range 20_000 {
		var in []byte
		for range 1 + random.IntN(8) {
			first, text := firsts[random.IntN(len(firsts))], texts[random.IntN(len(texts))]
			if first&controlBit != 0 {
				text = text[:min(len(text), MaxControlBytes)]
			}
			in = append(in, stream(first, text)...)
		}
		if random.IntN(4) == 0 {
			in[random.IntN(len(in))] ^= 1 << random.IntN(8)
		}
		in = in[:len(in)-random.IntN(min(len(in), 3))]
		cuts := make([]int, random.IntN(6))
		for i := range cuts {
			cuts[i] = random.IntN(len(in) + 1)
		}
		slices.Sort(cuts)
		cfg := DecoderConfig{MaxMessageBytes: 300, MaxFragments: 5}
		want := run(t, cfg, in)
		sameLines(t, fmt.Sprintf("round %d, % x, cuts %v", round, in, cuts), run(t, cfg, in, cuts...), want)
		sameLines(t, fmt.Sprintf("round %d, % x, bytes", round, in), run(t, cfg, in, byteCuts(in)...), want)
		if t.Failed() {
			return
		}
	}
}

func TestResetAfterFailure(t *testing.T) {
	var cfg DecoderConfig
	var d Decoder
	if _, n, err := d.Next(&cfg, []byte{0xFF, 1, 2}); err != ErrReservedBits || n != 3 {
		t.Fatalf("%d %v", n, err)
	}
	if _, n, err := d.Next(&cfg, stream(0x81, "a")); err != ErrReservedBits || n != 7 {
		t.Fatalf("a failure must be final: %d %v", n, err)
	}
	d.Reset(&cfg)
	d.Reset(&cfg)
	if m, _, err := d.Next(&cfg, stream(0x81, "a")); err != nil || string(m.Payload) != "a" {
		t.Fatalf("after Reset: %q %v", m.Payload, err)
	}
}
