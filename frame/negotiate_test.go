package frame

import (
	"strings"
	"testing"
)

// negotiate makes a handshake with those lines of Sec-WebSocket-Extensions and returns the answer's line, "" for none.
func negotiate(t testing.TB, policy DeflatePolicy, lines ...string) (Deflate, string) {
	t.Helper()
	head := testUpgrade
	for _, line := range lines {
		head = strings.Replace(head, "\r\n\r\n", "\r\nSec-WebSocket-Extensions: "+line+"\r\n\r\n", 1)
	}
	var r Request
	mustParse(t, &r, head)
	if _, err := r.CheckUpgrade(); err != nil {
		t.Fatalf("%q: %v", lines, err)
	}
	d, ok := r.NegotiateDeflate(policy)
	answer := string(AppendDeflate(nil, d))
	if ok != (answer != "") {
		t.Fatalf("%q: accepted %v, answer %q", lines, ok, answer)
	}
	return d, strings.TrimSuffix(strings.TrimPrefix(answer, "Sec-WebSocket-Extensions: permessage-deflate"), "\r\n")
}

const (
	both = "; server_no_context_takeover; client_no_context_takeover"
	no   = ""
)

func TestNegotiateDeflate(t *testing.T) {
	for _, c := range []struct{ offer, want string }{
		{"permessage-deflate", both},
		{"permessage-deflate; client_max_window_bits", both},
		{"permessage-deflate; client_max_window_bits=9", both},
		{"permessage-deflate; client_max_window_bits=15", both},
		{"permessage-deflate; client_no_context_takeover; client_max_window_bits", both},
		{"permessage-deflate; server_no_context_takeover", both},
		{"permessage-deflate; server_max_window_bits=9", both + "; server_max_window_bits=9"},
		{"permessage-deflate; server_max_window_bits=15", both + "; server_max_window_bits=15"},
		{`permessage-deflate; server_max_window_bits="10"`, both + "; server_max_window_bits=10"},
		{`permessage-deflate; server_max_window_bits="1\0"`, both + "; server_max_window_bits=10"},
		{" permessage-deflate ;\tserver_max_window_bits = 11 ", both + "; server_max_window_bits=11"},
		{"permessage-deflate;server_no_context_takeover;server_max_window_bits=9", both + "; server_max_window_bits=9"},
		{"x, permessage-deflate", both},
		{"x; a=b; c, , permessage-deflate; client_max_window_bits,", both},
		{"permessage-deflate; unknown, permessage-deflate", both},
		{"permessage-deflate; server_max_window_bits=8, permessage-deflate; server_max_window_bits=9, permessage-deflate", both + "; server_max_window_bits=9"},
		{strings.Repeat("permessage-deflate; server_max_window_bits=7, ", 100) + "permessage-deflate", both},

		{"x", no},
		{"deflate-frame", no},
		{"Permessage-Deflate2", no},
		{"permessage-deflate; server_max_window_bits", no},
		{"permessage-deflate; server_max_window_bits=7", no},
		{"permessage-deflate; server_max_window_bits=8", no},
		{"permessage-deflate; server_max_window_bits=16", no},
		{"permessage-deflate; server_max_window_bits=08", no},
		{"permessage-deflate; server_max_window_bits=010", no},
		{"permessage-deflate; server_max_window_bits=100", no},
		{"permessage-deflate; server_max_window_bits=9a", no},
		{"permessage-deflate; server_max_window_bits=-9", no},
		{"permessage-deflate; server_max_window_bits=10; server_max_window_bits=10", no},
		{"permessage-deflate; client_max_window_bits=8", no},
		{"permessage-deflate; client_max_window_bits=016", no},
		{"permessage-deflate; client_max_window_bits; client_max_window_bits=10", no},
		{"permessage-deflate; server_no_context_takeover=1", no},
		{"permessage-deflate; server_no_context_takeover; server_no_context_takeover", no},
		{"permessage-deflate; client_no_context_takeover=true", no},
		{"permessage-deflate; client_no_context_takeover; client_no_context_takeover", no},
		{"permessage-deflate; x", no},
		{"permessage-deflate; x=1", no},
		{"permessage-deflate; SERVER_NO_CONTEXT_TAKEOVER", no},
	} {
		if _, got := negotiate(t, DeflatePolicy{}, c.offer); got != c.want {
			t.Errorf("%q: answer %q, want %q", c.offer, got, c.want)
		}
	}
}

func TestSeveralLinesAreOneList(t *testing.T) {
	// A line that is put in comes behind those before it.
	_, got := negotiate(t, DeflatePolicy{}, "permessage-deflate; x", "permessage-deflate; server_max_window_bits=12")
	if want := both + "; server_max_window_bits=12"; got != want {
		t.Errorf("answer %q, want %q", got, want)
	}
}

func TestNegotiateTakeover(t *testing.T) {
	for _, c := range []struct {
		bits        uint8
		offer, want string
		server      uint8 // windows
		client      uint8
	}{
		{0, "permessage-deflate", "", 15, 15},
		{0, "permessage-deflate; server_no_context_takeover", "; server_no_context_takeover", 15, 15},
		{0, "permessage-deflate; client_no_context_takeover", "; client_no_context_takeover", 15, 15},
		{0, "permessage-deflate; client_max_window_bits=10", "", 15, 15},
		{12, "permessage-deflate", "", 12, 15},
		{12, "permessage-deflate; client_max_window_bits", "; client_max_window_bits=12", 12, 12},
		{12, "permessage-deflate; client_max_window_bits=10", "; client_max_window_bits=10", 12, 10},
		{12, "permessage-deflate; client_max_window_bits=14", "; client_max_window_bits=12", 12, 12},
		{12, "permessage-deflate; server_max_window_bits=14", "; server_max_window_bits=12", 12, 15},
		{12, "permessage-deflate; server_max_window_bits=10", "; server_max_window_bits=10", 10, 15},
		{12, "permessage-deflate; server_no_context_takeover; server_max_window_bits=14",
			"; server_no_context_takeover; server_max_window_bits=14", 14, 15},
		{12, "permessage-deflate; client_no_context_takeover; client_max_window_bits", "; client_no_context_takeover", 12, 15},
	} {
		d, got := negotiate(t, DeflatePolicy{Takeover: true, WindowBits: c.bits}, c.offer)
		if got != c.want || d.ServerWindowBits != c.server || d.ClientWindowBits != c.client {
			t.Errorf("%q: answer %q with windows %d and %d, want %q with %d and %d",
				c.offer, got, d.ServerWindowBits, d.ClientWindowBits, c.want, c.server, c.client)
		}
	}
}

// FuzzNegotiateDeflate: whatever is offered, the answer is legal and within some offer.
func FuzzNegotiateDeflate(f *testing.F) {
	for _, offer := range []string{"permessage-deflate", "permessage-deflate; server_max_window_bits=9, permessage-deflate; client_max_window_bits",
		`permessage-deflate; server_max_window_bits="1\0"; client_no_context_takeover`, "x;a=\"b\", permessage-deflate;;", "permessage-deflate; client_max_window_bits=8"} {
		f.Add(offer, byte(0))
		f.Add(offer, byte(12))
	}
	f.Fuzz(func(t *testing.T, offer string, knobs byte) {
		var r Request
		head := withLine("Sec-WebSocket-Extensions: " + offer)
		if r.Parse([]byte(head), nil) != nil {
			return
		}
		if _, err := r.CheckUpgrade(); err != nil {
			return
		}
		policy := DeflatePolicy{Takeover: knobs&1 != 0}
		if knobs&2 != 0 {
			policy.WindowBits = 9 + knobs>>4%7
		}
		d, ok := r.NegotiateDeflate(policy)
		answer := string(AppendDeflate(nil, d))
		if !ok {
			if answer != "" {
				t.Fatalf("declined, but the answer is %q", answer)
			}
			return
		}
		if d.ServerWindowBits < 9 || d.ServerWindowBits > 15 || d.ClientWindowBits < 9 || d.ClientWindowBits > 15 {
			t.Fatalf("windows %+v", d)
		}
		if !policy.Takeover && (d.ServerTakeover || d.ClientTakeover) {
			t.Fatalf("takeover against the policy: %+v", d)
		}
		_, params, _ := strings.Cut(strings.TrimSuffix(answer, "\r\n"), "permessage-deflate")
		for _, p := range strings.Split(params, "; ")[1:] {
			name, _, _ := strings.Cut(p, "=")
			if strings.Contains(name, "max_window_bits") && !strings.Contains(offer, name) {
				t.Fatalf("answer %q to offer %q", answer, offer)
			}
		}
		// The answer is itself a legal offer, which gets no less than itself.
		again, ok := Deflate{}, false
		head = withLine(strings.TrimSuffix(answer, "\r\n"))
		mustParse(t, &r, head)
		if again, ok = r.NegotiateDeflate(policy); !ok || again.ServerWindowBits > d.ServerWindowBits {
			t.Fatalf("answer %q as an offer: %+v %v", answer, again, ok)
		}
	})
}
