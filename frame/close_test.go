package frame

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCloseCodeValid(t *testing.T) {
	valid := map[CloseCode]bool{}
	for _, span := range [][2]CloseCode{{1000, 1003}, {1007, 1014}, {3000, 4999}} {
		for c := span[0]; c <= span[1]; c++ {
			valid[c] = true
		}
	}
	for c := range 1 << 16 {
		if code := CloseCode(c); code.Valid() != valid[code] {
			t.Errorf("Valid(%d) = %v", c, code.Valid())
		}
	}
}

func TestParseClose(t *testing.T) {
	tests := []struct {
		payload string
		code    CloseCode
		reason  string
		err     error
	}{
		{"", CloseNoStatus, "", nil},
		{"\x03", 0, "", ErrClosePayload},
		{"\x03\xE8", 1000, "", nil},
		{"\x03\xE8Hello World!", 1000, "Hello World!", nil},
		{"\x03\xE8" + strings.Repeat("*", 123), 1000, strings.Repeat("*", 123), nil},
		{"\x03\xE8\xCE\xBA\xE1", 0, "", ErrCloseReason},
		{"\x03\xE8\xED\xA0\x80", 0, "", ErrCloseReason},
		{"\x00\x00", 0, "", ErrCloseCode},
		{"\x03\xE7", 0, "", ErrCloseCode},            // 999
		{"\x03\xEC", 0, "", ErrCloseCode},            // 1004
		{"\x03\xED", 0, "", ErrCloseCode},            // 1005
		{"\x03\xEE", 0, "", ErrCloseCode},            // 1006
		{"\x03\xF4", CloseServiceRestart, "", nil},   // 1012
		{"\x03\xF5", CloseTryAgainLater, "", nil},    // 1013
		{"\x03\xF6", CloseCode(1014), "", nil},       // 1014
		{"\x03\xF7", 0, "", ErrCloseCode},            // 1015
		{"\x0F\xA0bye", CloseCode(4000), "bye", nil}, // 4000
		{"\x13\x88", 0, "", ErrCloseCode},            // 5000
		{"\xFF\xFF", 0, "", ErrCloseCode},
		{"\x07\xD0", 0, "", ErrCloseCode}, // 2000
	}
	for _, test := range tests {
		code, reason, err := ParseClose([]byte(test.payload))
		if code != test.code || string(reason) != test.reason || err != test.err {
			t.Errorf("ParseClose(%q) = %d %q %v", test.payload, code, reason, err)
		}
	}
}

func TestAppendCloseRoundTrip(t *testing.T) {
	long := strings.Repeat("ä", 61) + "x€" // 61*2 + 1 + 3 = 126: the euro sign does not fit
	tests := []struct{ reason, want string }{
		{"", ""},
		{"shutdown", "shutdown"},
		{strings.Repeat("a", 123), strings.Repeat("a", 123)},
		{strings.Repeat("a", 124), strings.Repeat("a", 123)},
		{long, strings.Repeat("ä", 61) + "x"},
		{strings.Repeat("a", 120) + "\U0001F600", strings.Repeat("a", 120)},
		{"bad \xFF end", "bad \uFFFD end"},
	}
	for _, test := range tests {
		wire := AppendClose([]byte("x"), CloseGoingAway, test.reason)
		cfg := DecoderConfig{Role: Client}
		var d Decoder
		m, n, err := d.Next(&cfg, wire[1:])
		if err != nil || n != len(wire)-1 || m.Opcode != OpClose || len(m.Payload) > MaxControlBytes {
			t.Fatalf("%q: decoded %v %d %v", test.reason, m, n, err)
		}
		code, reason, err := ParseClose(m.Payload)
		if code != CloseGoingAway || string(reason) != test.want || err != nil {
			t.Errorf("%q came back as %d %q %v", test.reason, code, reason, err)
		}
		if payload := AppendClosePayload(nil, CloseGoingAway, test.reason); !bytes.Equal(payload, m.Payload) {
			t.Errorf("AppendClosePayload gives %q, AppendClose %q", payload, m.Payload)
		}
	}
}

func TestAppendCloseNeverSendsReservedCodes(t *testing.T) {
	for _, code := range []CloseCode{0, 999, 1004, CloseNoStatus, CloseAbnormal, 1015, 2999, 5000} {
		if got := AppendClose(nil, code, "why"); !bytes.Equal(got, []byte{0x88, 0x00}) {
			t.Errorf("AppendClose(%d) = % x", code, got)
		}
		if got := AppendClosePayload(nil, code, "why"); len(got) != 0 {
			t.Errorf("AppendClosePayload(%d) = % x", code, got)
		}
	}
}

func FuzzParseClose(f *testing.F) {
	for _, seed := range []string{"", "\x03", "\x03\xE8", "\x03\xE8bye", "\x03\xE8\xF4\x90", "\x03\xEE"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		code, reason, err := ParseClose(payload)
		if err != nil {
			if _, ok := err.(*Error); !ok || code != 0 || reason != nil {
				t.Fatalf("ParseClose(%q) = %d %q %v", payload, code, reason, err)
			}
			return
		}
		if !utf8.Valid(reason) || code != CloseNoStatus && !code.Valid() {
			t.Fatalf("ParseClose(%q) = %d %q", payload, code, reason)
		}
		if again := AppendClosePayload(nil, code, string(reason)); len(payload) <= MaxControlBytes && !bytes.Equal(again, payload) {
			t.Fatalf("%q came back as %q", payload, again)
		}
	})
}
