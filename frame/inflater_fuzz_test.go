package frame

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// inflateReference judges a compressed text by the standard library's inflater, which this package does not build on. It
// gives what run should: one line, without the decoder's rest.
func inflateReference(payload string, limit int64) string {
	src := strings.NewReader(payload + inflateTail)
	var out []byte
	for streams := 1; ; streams++ {
		if streams > maxFinalBlocks {
			return "! too_many_final_blocks"
		}
		r := flate.NewReaderDict(src, out[max(0, len(out)-1<<15):])
		part, err := io.ReadAll(io.LimitReader(r, limit+1-int64(len(out))))
		out = append(out, part...)
		// Text is judged at the end here, and as it comes out there: its failures and those of the stream count as one.
		switch {
		case int64(len(out)) > limit:
			return "! message_too_big"
		case err != nil:
			return "! no text"
		case src.Len() == 0:
			if !utf8.Valid(out) {
				return "! no text"
			}
			return fmt.Sprintf("text %q", out)
		}
	}
}

// sameFailure folds the failures that a payload may have several of.
func sameFailure(lines []string) string {
	switch lines[0] {
	case "! invalid_deflate", "! invalid_utf8":
		return "! no text"
	}
	return lines[0]
}

// FuzzInflate: the same verdict in any cut and any fragments, and the one of the standard library.
func FuzzInflate(f *testing.F) {
	for _, c := range inflateTable {
		f.Add([]byte(c.payload), uint16(3), false)
	}
	f.Add([]byte(deflateStd(strings.Repeat("a", 3000), words(500, 1))), uint16(20), true)
	f.Fuzz(func(t *testing.T, payload []byte, cut uint16, small bool) {
		cfg := deflateConfig()
		cfg.MaxMessageBytes = 1 << 20
		if small {
			cfg.MaxMessageBytes = 1000
		}
		if len(payload) > 60_000 {
			return
		}
		in := deflateFrame(string(payload))
		got := run(t, cfg, in)
		i := int(cut) % (len(in) + 1)
		sameLines(t, fmt.Sprint("cut at ", i), run(t, cfg, in, i), got)
		j := int(cut) % (len(payload) + 1)
		sameLines(t, fmt.Sprint("fragments at ", j), run(t, cfg, stream(0x41, string(payload[:j]), 0x80, string(payload[j:]))), got)
		want := inflateReference(string(payload), cfg.MaxMessageBytes)
		first := sameFailure(got)
		sooner := first == "! no text" && want[0] == '!'             // text is checked as it comes out
		later := want == "! no text" && first == "! message_too_big" // the library withholds what comes shortly before a defect
		if first != want && !sooner && !later {
			t.Fatalf("got %.200q, the standard library %.200q", first, want)
		}
	})
}

// FuzzDeflate: what is compressed, alone or in context, can be inflated by the standard library within the window.
func FuzzDeflate(f *testing.F) {
	f.Add([]byte("Hello, Hello, Hello"), []byte("Hello, Hello, Hello"), byte(0))
	f.Add([]byte(words(2000, 1)), []byte(words(700, 2)), byte(3))
	f.Add([]byte(noise(1000)), []byte(strings.Repeat("a", 1000)), byte(6))
	deflaters := map[uint8]*Deflater{}
	for bits := uint8(MinWindowBits); bits <= MaxWindowBits; bits++ {
		deflaters[bits] = NewDeflater(bits, 1)
	}
	f.Fuzz(func(t *testing.T, first, second []byte, knobs byte) {
		bits := MinWindowBits + knobs%7
		window := NewWindow(bits)
		var history []byte
		for _, payload := range [][]byte{first, second, first, second} {
			for _, w := range []*Window{nil, window} {
				dict := []byte(nil)
				if w != nil {
					dict = history[max(0, len(history)-1<<bits):]
				}
				frame, compressed := deflaters[bits].AppendFrame(nil, OpBinary, payload, w)
				if !compressed {
					if !bytes.Equal(frame, AppendFrame(nil, OpBinary, payload)) {
						t.Fatal("neither compressed nor plain")
					}
					continue
				}
				var h header
				_ = h.parse(frame, Client, 1<<40)
				if err := inflatesTo(frame[h.size:], dict, payload); err != nil {
					t.Fatal(err)
				}
				if w != nil {
					history = append(history, payload...)
				}
			}
		}
		if tail := history[max(0, len(history)-1<<bits):]; !bytes.Equal(window.data, tail) {
			t.Fatalf("a window of %d bytes, want %d", len(window.data), len(tail))
		}
	})
}

func inflatesTo(deflated, dict, want []byte) error {
	r := flate.NewReaderDict(io.MultiReader(bytes.NewReader(deflated), strings.NewReader(inflateTail)), slices.Clone(dict))
	got, err := io.ReadAll(r)
	if err == nil && !bytes.Equal(got, want) {
		err = errors.New("another payload comes out")
	}
	return err
}
