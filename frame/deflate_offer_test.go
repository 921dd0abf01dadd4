package frame

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// answered is a proper answer to key with more header lines.
func answered(key []byte, header string) []byte {
	return AppendSwitchingProtocols(nil, key, "", header)
}

func TestDeflateOffer(t *testing.T) {
	const line = "Sec-WebSocket-Extensions: permessage-deflate"
	if got := string(AppendDeflateOffer(nil, DeflateOffer{})); got != line+"; client_no_context_takeover; server_no_context_takeover\r\n" {
		t.Errorf("%q", got)
	}
	if got := string(AppendDeflateOffer(nil, DeflateOffer{Takeover: true})); got != line+"\r\n" {
		t.Errorf("%q", got)
	}
}

func TestAnswersToADeflateOffer(t *testing.T) {
	key := NewClientKey([16]byte{1})
	plain, takeover := DeflateOffer{}, DeflateOffer{Takeover: true}
	const pmd, serverNo = "permessage-deflate", "; server_no_context_takeover"
	cases := []struct {
		offer  DeflateOffer
		answer string // of the header lines; several are separated by |
		want   Deflate
		reason string
	}{
		{plain, "", Deflate{}, ""},
		{takeover, "", Deflate{}, ""},
		{plain, pmd + serverNo, Deflate{ServerWindowBits: 15, ClientWindowBits: 15}, ""},
		{plain, pmd + serverNo + "; client_no_context_takeover", Deflate{ServerWindowBits: 15, ClientWindowBits: 15}, ""},
		{plain, pmd + serverNo + `; server_max_window_bits="10"`, Deflate{ServerWindowBits: 10, ClientWindowBits: 15}, ""},
		{plain, pmd + serverNo + "; server_max_window_bits=8", Deflate{ServerWindowBits: 8, ClientWindowBits: 15}, ""},
		{takeover, pmd, Deflate{ServerWindowBits: 15, ClientWindowBits: 15, ServerTakeover: true, ClientTakeover: true}, ""},
		{takeover, pmd + serverNo, Deflate{ServerWindowBits: 15, ClientWindowBits: 15, ClientTakeover: true}, ""},
		{takeover, pmd + "; client_no_context_takeover", Deflate{ServerWindowBits: 15, ClientWindowBits: 15, ServerTakeover: true}, ""},

		{plain, pmd, Deflate{}, reasonDeflate},
		{plain, pmd + serverNo + serverNo, Deflate{}, reasonDeflate},
		{plain, pmd + serverNo + "=1", Deflate{}, reasonDeflate},
		{plain, pmd + serverNo + "; client_max_window_bits=10", Deflate{}, reasonDeflate},
		{takeover, pmd + "; client_max_window_bits", Deflate{}, reasonDeflate},
		{takeover, pmd + "; server_max_window_bits", Deflate{}, reasonDeflate},
		{takeover, pmd + "; server_max_window_bits=7", Deflate{}, reasonDeflate},
		{takeover, pmd + "; server_max_window_bits=16", Deflate{}, reasonDeflate},
		{takeover, pmd + "; server_max_window_bits=010", Deflate{}, reasonDeflate},
		{takeover, pmd + "; level=9", Deflate{}, reasonDeflate},
		{takeover, pmd + ";", Deflate{}, reasonDeflate},
		{takeover, pmd + ", " + pmd, Deflate{}, reasonDeflate},
		{takeover, pmd + "|" + pmd, Deflate{}, reasonDeflate},
		{takeover, ",", Deflate{}, reasonDeflate},
		{takeover, "x-webkit-deflate-frame", Deflate{}, reasonExtension},
		{takeover, pmd + ", mux", Deflate{}, reasonExtension},
	}
	for _, c := range cases {
		header := ""
		for line := range strings.SplitSeq(c.answer, "|") {
			if line != "" {
				header += "Sec-WebSocket-Extensions: " + line + "\r\n"
			}
		}
		_, d, err := CheckDeflateHandshake(answered(key, header), key, c.offer)
		var refused *HandshakeError
		if reason := ""; errors.As(err, &refused) {
			if reason = refused.Reason; reason != c.reason || refused.Status != statusSwitched {
				t.Errorf("%+v, %q: refused as %q with %d, want %q", c.offer, c.answer, reason, refused.Status, c.reason)
			}
		} else if err != nil || c.reason != "" || d != c.want {
			t.Errorf("%+v, %q: %+v, %v, want %+v and %q", c.offer, c.answer, d, err, c.want, c.reason)
		}
	}
}

func TestADeflateHandshakeIsStillOne(t *testing.T) {
	key := NewClientKey([16]byte{1})
	for _, head := range []string{
		"HTTP/1.1 200 OK\r\n\r\n", "SMTP\r\n\r\n",
		string(answered(NewClientKey([16]byte{2}), "")),
	} {
		if _, _, err := CheckDeflateHandshake([]byte(head), key, DeflateOffer{}); err == nil {
			t.Errorf("%q passes", head)
		}
	}
	head := AppendSwitchingProtocols(nil, key, "chat", "")
	if subprotocol, _, err := CheckDeflateHandshake(head, key, DeflateOffer{}); string(subprotocol) != "chat" || err != nil {
		t.Errorf("%q, %v", subprotocol, err)
	}
}

// TestMaskedCompressedFrames reads what a client sends as a server would, cut at every byte.
func TestMaskedCompressedFrames(t *testing.T) {
	d := NewDeflater(MaxWindowBits, 1)
	text := []byte(strings.Repeat("compressible ", 20))
	for _, takeover := range []bool{false, true} {
		var out, in *Window
		if takeover {
			out, in = NewWindow(MaxWindowBits), NewWindow(MaxWindowBits)
		}
		first, compressed := d.AppendMaskedFrame([]byte("before"), OpText, text, out, [4]byte{1, 2, 3, 4})
		if !compressed || string(first[:6]) != "before" {
			t.Fatalf("takeover %v: not compressed, or not behind what was there", takeover)
		}
		stream, _ := d.AppendMaskedFrame(bytes.Clone(first[6:]), OpText, text, out, [4]byte{5, 6, 7, 8})
		if second := len(stream) - (len(first) - 6); takeover != (second < len(first)-6) {
			t.Errorf("takeover %v: %d bytes, then %d", takeover, len(first)-6, second)
		}
		stream, compressed = d.AppendMaskedFrame(stream, OpText, []byte("ab"), out, [4]byte{9, 9, 9, 9})
		if compressed {
			t.Error("two bytes got smaller")
		}
		for cut := range stream {
			in.Reset()
			cfg := DecoderConfig{Role: Server, Inflater: NewInflater(), Window: in}
			var got []string
			var decoder Decoder
			for _, part := range [][]byte{bytes.Clone(stream[:cut]), bytes.Clone(stream[cut:])} {
				for len(part) > 0 {
					m, n, err := decoder.Next(&cfg, part)
					if err != nil {
						t.Fatalf("cut at %d: %v", cut, err)
					}
					if part = part[n:]; m.Opcode == OpText {
						got = append(got, string(m.Payload))
					}
					m.Release()
				}
			}
			if len(got) != 3 || got[0] != string(text) || got[1] != string(text) || got[2] != "ab" {
				t.Fatalf("takeover %v, cut at %d: %q", takeover, cut, got)
			}
			if f := cfg.Inflater; f.Messages != 2 || f.Inflated != uint64(2*len(text)) || f.Compressed >= f.Inflated {
				t.Fatalf("counted %d messages, %d bytes of %d", f.Messages, f.Compressed, f.Inflated)
			}
		}
	}
}
