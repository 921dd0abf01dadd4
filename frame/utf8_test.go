package frame

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// The vectors of the WebSocket conformance suite, sections 6.5 to 6.23, by section; ranges are expanded below.
var (
	validTexts = []string{
		"68656c6c6f2024", "c2a2", "e282ac", "f0a4ada2", "ceba e1bdb9 cf83 cebc ceb5", // 6.5
		"ce ba", "ceba e1bdb9", "ceba e1bdb9 cf83", "ceba e1bdb9 cf83 cebc", // 6.6
		"00", "c280", "e0a080", "f0908080", // 6.7
		"7f", "dfbf", "efbfbf", "f48fbfbf", // 6.9
		"ed9fbf", "ee8080", "efbfbd", // 6.11
		"efbfb9", "efbfba", "efbfbb", "efbfbc", "efbfbd", "efbfbe", // 6.22 and 6.23
	}
	invalidTexts = []string{
		"ce", "ceba e1", "ceba e1bd", "ceba e1bdb9 cf", "ceba e1bdb9 cf83 ce", "ceba e1bdb9 cf83 cebc ce", // 6.6
		"f888808080", "fc8480808080", // 6.8
		"f7bfbfbf", "fbbfbfbfbf", "fdbfbfbfbfbf", // 6.10
		"f4908080",                                                                                   // 6.11
		"80", "bf", "80bf", "80bf80", "80bf80bf", "80bf80bf80", "80bf80bf80bf", octetRun(0x80, 0xBE), // 6.12
		spaced(0xC0, 0xDE), spaced(0xE0, 0xEE), spaced(0xF0, 0xF6), spaced(0xF8, 0xFA), spaced(0xFC, 0xFC), // 6.13
		"c0", "e080", "f08080", "f8808080", "fc80808080", "df", "efbf", "f7bfbf", "fbbfbfbf", "fdbfbfbfbf", // 6.14
		"c0e080f08080f8808080fc80808080dfefbff7bfbffbbfbfbffdbfbfbfbf", // 6.15
		"fe", "ff", "fefeffff", // 6.16
		"c1", "f5", "f5808080", "f6", "e09f", "ed a0", "f08f", "f490", // lead octets and pairs beyond what UTF-8 has
		"c0af", "e080af", "f08080af", "f8808080af", "fc80808080af", // 6.17
		"c1bf", "e09fbf", "f08fbfbf", "f887bfbfbf", "fc83bfbfbfbf", // 6.18
		"c080", "e08080", "f0808080", "f880808080", "fc8080808080", // 6.19
		"eda080", "edadbf", "edae80", "edafbf", "edb080", "edbe80", "edbfbf", // 6.20
		"eda080edb080", "edadbfedbfbf", "edae80edb080", "edafbfedbfbf", "eda080edbfbf", "edadbfedb080", // 6.21
		"ceba e1bdb9 cf83 cebc ceb5 eda080 656469746564",   // 6.3
		"ceba e1bdb9 cf83 cebc ceb5 f4908080 656469746564", // 6.4
	}
)

func octetRun(from, to int) string {
	var b strings.Builder
	for c := from; c <= to; c++ {
		fmt.Fprintf(&b, "%02x", c)
	}
	return b.String()
}

func spaced(from, to int) string {
	var b strings.Builder
	for c := from; c <= to; c++ {
		fmt.Fprintf(&b, "%02x20", c)
	}
	return b.String()
}

// nonCharacters are section 6.22: valid, though no characters.
func nonCharacters() (texts []string) {
	for plane := rune(0); plane <= 0x10; plane++ {
		texts = append(texts, string(plane<<16|0xFFFE), string(plane<<16|0xFFFF))
	}
	return texts
}

func unhex(t testing.TB, s string) string {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// possibleStart is the oracle: can valid text begin with p?
func possibleStart(p []byte) bool {
	for cut := max(0, len(p)-3); cut <= len(p); cut++ {
		if utf8.Valid(p[:cut]) && (cut == len(p) || !utf8.FullRune(p[cut:])) {
			return true
		}
	}
	return false
}

// TestTextVectors sends each vector in one frame, in one frame byte by byte, and in fragments of one byte.
func TestTextVectors(t *testing.T) {
	check := func(text, want string) {
		t.Helper()
		in := stream(0x81, text)
		fragments := stream(0x01, "")
		for i := range len(text) {
			fragments = append(fragments, stream(0x00, text[i:i+1])...)
		}
		fragments = append(fragments, stream(0x80, "")...)
		for how, got := range map[string][]string{
			"one frame":        run(t, DecoderConfig{}, in),
			"one-byte chunks":  run(t, DecoderConfig{}, in, byteCuts(in)...),
			"fragments":        run(t, DecoderConfig{}, fragments),
			"fragments, bytes": run(t, DecoderConfig{}, fragments, byteCuts(fragments)...),
		} {
			if got[0] != want {
				t.Errorf("% x in %s: %v, want %s", text, how, got, want)
			}
		}
	}
	for _, vector := range validTexts {
		text := unhex(t, vector)
		check(text, fmt.Sprintf("text %q", text))
	}
	for _, text := range nonCharacters() {
		check(text, fmt.Sprintf("text %q", text))
	}
	for _, vector := range invalidTexts {
		check(unhex(t, vector), "! invalid_utf8")
	}
}

// TestTextFailsAtFirstImpossibleOctet is what the suite calls strict in 6.4: not at the end of frame or message.
func TestTextFailsAtFirstImpossibleOctet(t *testing.T) {
	for _, vector := range invalidTexts {
		text := unhex(t, vector)
		first := len(text) // the first octet that no valid text can have there
		for i := range len(text) {
			if !possibleStart([]byte(text[:i+1])) {
				first = i
				break
			}
		}
		in := stream(0x01, text)
		cfg := DecoderConfig{}
		var d Decoder
		for i := range in {
			_, _, err := d.Next(&cfg, in[i:i+1])
			if at := i - 6; (err != nil) != (at == first) {
				t.Fatalf("% x: octet %d: %v; the first impossible one is %d", text, at, err, first)
			}
			if err != nil {
				break
			}
		}
	}
}

func FuzzUTF8(f *testing.F) {
	for _, vector := range append(validTexts, invalidTexts...) {
		f.Add([]byte(unhex(f, vector)))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 64 {
			text = text[:64]
		}
		for cut := range len(text) + 1 {
			var s textState
			first := s.check(text[:cut])
			if first != possibleStart(text[:cut]) {
				t.Fatalf("% x | % x: the first part is ok: %v", text[:cut], text[cut:], first)
			}
			whole := first && s.check(text[cut:]) && s.complete()
			if whole != utf8.Valid(text) {
				t.Fatalf("% x | % x: valid: %v", text[:cut], text[cut:], whole)
			}
		}
	})
}

func BenchmarkText(b *testing.B) {
	for name, text := range map[string]string{"ascii": "plain text ", "greek": "κόσμε κόσμε "} {
		p := []byte(strings.Repeat(text, 100))
		b.Run("script="+name, func(b *testing.B) {
			b.SetBytes(int64(len(p)))
			for b.Loop() {
				var s textState
				s.check(p)
			}
		})
	}
}
