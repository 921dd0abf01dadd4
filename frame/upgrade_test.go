package frame

import (
	"slices"
	"testing"
)

func TestWantsUpgrade(t *testing.T) {
	for in, want := range map[string]bool{
		testUpgrade:                           true,
		with("websocket", "WEBSOCKET"):        true,
		with("websocket", "h2c , websocket"):  true,
		with("GET", "POST"):                   true,
		with(connectionLine, ""):              true,
		with("websocket", "websocket2"):       false,
		with("websocket", "h2c"):              false,
		with(upgradeLine, ""):                 false,
		"GET / HTTP/1.1\r\nHost: h\r\n\r\n":   false,
		with(upgradeLine, "X: websocket\r\n"): false,
	} {
		var r Request
		mustParse(t, &r, in)
		if r.WantsUpgrade() != want {
			t.Errorf("%q: %v", in, !want)
		}
	}
}

func TestSubprotocolsInOrder(t *testing.T) {
	var r Request
	mustParse(t, &r, withLine("Sec-WebSocket-Protocol: c ,a\r\nX: y\r\nsec-websocket-protocol:b"))
	if _, err := r.CheckUpgrade(); err != nil {
		t.Fatal(err)
	}
	if got := slices.Collect(r.Subprotocols()); !slices.Equal(got, []string{"c", "a", "b"}) {
		t.Errorf("offers %q", got)
	}
	for range r.Subprotocols() {
		break
	}
	mustParse(t, &r, testUpgrade)
	if got := slices.Collect(r.Subprotocols()); got != nil {
		t.Errorf("offers %q without a header", got)
	}
}

func TestExtensionGrammar(t *testing.T) {
	tests := map[string]bool{
		"permessage-deflate": true,
		"permessage-deflate; client_max_window_bits; server_max_window_bits=10": true,
		"a;b=c;d , e":    true,
		`a; b="c"`:       true,
		`a; b="\c\d"`:    true,
		"a , , b":        true, // an empty list member
		",a,":            true,
		"a ; b = c":      true,
		"":               false,
		",":              false,
		"a;":             false,
		"a; b=":          false,
		"a;; b":          false,
		"a; =b":          false,
		"a b":            false,
		"a=b":            false,
		`"a"`:            false,
		`a; b=""`:        false,
		`a; b="c`:        false,
		`a; b="c\`:       false,
		`a; b="c d"`:     false,
		`a; b="c,d"`:     false,
		`a; b="c"d`:      false,
		"a; b=c=d":       false,
		"a/b":            false,
		"a; b\xFF":       false,
		"a; b=\x80":      false,
		"a, b;":          false,
		"a; b=(c)":       false,
		"a;b,;c":         false,
		"x-custom; v=1.": true,
	}
	for value, want := range tests {
		f := fields{{[]byte("sec-websocket-extensions"), []byte(value)}}
		if validExtensions(f) != want {
			t.Errorf("%q: %v", value, !want)
		}
	}
	if !validExtensions(nil) {
		t.Error("no line at all must pass")
	}
	two := fields{{[]byte("Sec-WebSocket-Extensions"), nil}, {[]byte("Sec-WebSocket-Extensions"), []byte("a")}}
	if !validExtensions(two) {
		t.Error("an empty line beside another is an empty list member")
	}
}
