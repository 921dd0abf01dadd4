package frame

import (
	"fmt"
	"strings"
	"testing"
)

func TestClientHandshakeIsAccepted(t *testing.T) {
	key := NewClientKey([16]byte{15: 0xFF})
	wire := AppendClientHandshake(nil, "h:8080", "/ws?a=b", key, "Sec-WebSocket-Protocol: wsedge.v1\r\n")
	var r Request
	mustParse(t, &r, string(wire))
	got, err := r.CheckUpgrade()
	if err != nil || string(got) != string(key) || string(r.Host) != "h:8080" || string(r.Query) != "a=b" {
		t.Fatalf("%q %v", got, err)
	}
	answer := AppendSwitchingProtocols(nil, got, "wsedge.v1", "")
	subprotocol, err := CheckServerHandshake(answer, key)
	if string(subprotocol) != "wsedge.v1" || err != nil {
		t.Errorf("%q %v", subprotocol, err)
	}
}

func TestCheckServerHandshake(t *testing.T) {
	good := string(AppendSwitchingProtocols(nil, []byte(keyValue), "", ""))
	replace := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	more := func(line string) string { return replace("\r\n\r\n", "\r\n"+line+"\r\n\r\n") }
	const accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
	tests := []struct{ name, in, want string }{
		{"good", good, ""},
		{"other case, lists", strings.NewReplacer("websocket", "WebSocket", "Connection: Upgrade", "connection: x, upgrade").Replace(good), ""},
		{"no reason phrase", replace("101 Switching Protocols", "101 "), ""},
		{"refused", string(AppendRejection(nil, 403, "", "")), "403 status_not_101"},
		{"200", replace("101", "200"), "200 status_not_101"},
		{"HTTP/2", replace("HTTP/1.1", "HTTP/2.0"), "0 status_line"},
		{"no HTTP", "SSH-2.0-OpenSSH\r\n\r\n", "0 status_line"},
		{"bare LF", strings.ReplaceAll(good, "\r\n", "\n"), "0 status_line"},
		{"part", good[:len(good)-2], "0 status_line"},
		{"bytes behind", good + "x", "0 status_line"},
		{"status of 2 digits", replace("101", "10"), "0 status_line"},
		{"status of 4 digits", replace("101", "1010"), "0 status_line"},
		{"bad header", more("A b"), "101 header_name"},
		{"no Upgrade", replace("Upgrade: websocket\r\n", ""), "101 upgrade_missing"},
		{"no Connection", replace("Connection: Upgrade\r\n", ""), "101 connection_not_upgrade"},
		{"no Accept", replace("Sec-WebSocket-Accept: "+accept+"\r\n", ""), "101 websocket_accept"},
		{"other Accept", replace(accept, "S3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "101 websocket_accept"},
		{"Accept twice", more("Sec-WebSocket-Accept: " + accept), "101 websocket_accept"},
		{"extension", more("Sec-WebSocket-Extensions: permessage-deflate"), "101 extension_not_offered"},
		{"two subprotocols", more("Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b"), "101 subprotocol"},
		{"list of subprotocols", more("Sec-WebSocket-Protocol: a, b"), "101 subprotocol"},
	}
	for _, test := range tests {
		subprotocol, err := CheckServerHandshake([]byte(test.in), []byte(keyValue))
		if got := reasonOf(err); got != test.want || err != nil && subprotocol != nil {
			t.Errorf("%s: %q %q, want %q", test.name, subprotocol, got, test.want)
		}
	}
}

func FuzzCheckServerHandshake(f *testing.F) {
	f.Add(AppendSwitchingProtocols(nil, []byte(keyValue), "a", ""))
	f.Add(AppendRejection(nil, 503, "Retry-After: 1\r\n", ""))
	f.Fuzz(func(t *testing.T, head []byte) {
		subprotocol, err := CheckServerHandshake(head, []byte(keyValue))
		if err == nil && len(subprotocol) > 0 && !all(subprotocol, classToken) {
			t.Fatalf("%q", subprotocol)
		}
		if refusal, ok := err.(*HandshakeError); err != nil && (!ok || refusal.Reason == "") {
			t.Fatal(fmt.Sprint(err))
		}
	})
}
