package frame

import (
	"bufio"
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// testUpgrade is the request of RFC 6455, section 1.2, without its Origin.
const testUpgrade = "GET /chat?room=1 HTTP/1.1\r\n" +
	"Host: server.example.com\r\n" +
	"Upgrade: websocket\r\n" +
	"Connection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
	"Sec-WebSocket-Version: 13\r\n\r\n"

// with changes testUpgrade by replacing one string by another.
func with(old, new string) string { return strings.Replace(testUpgrade, old, new, 1) }

// withLine adds a header line.
func withLine(line string) string { return with("\r\n\r\n", "\r\n"+line+"\r\n\r\n") }

// judge runs a head through Scan, Parse and CheckUpgrade.
func judge(in []byte, lim *HeadLimits) error {
	var s HeadScanner
	n, err := s.Scan(in, lim)
	if err != nil {
		return err
	}
	var r Request
	if err := r.Parse(in[:n], lim); err != nil {
		return err
	}
	_, err = r.CheckUpgrade()
	return err
}

const (
	hostLine       = "Host: server.example.com\r\n"
	upgradeLine    = "Upgrade: websocket\r\n"
	connectionLine = "Connection: Upgrade\r\n"
	keyValue       = "dGhlIHNhbXBsZSBub25jZQ=="
	keyLine        = "Sec-WebSocket-Key: " + keyValue + "\r\n"
	versionLine    = "Sec-WebSocket-Version: 13\r\n"
	requestLine    = "GET /chat?room=1 HTTP/1.1\r\n"
)

func repeatLines(n int) string { return strings.Repeat("A: b\r\n", n) }

// handshakeRows are requests, by what they break, and the refusal; "" is a 101.
var handshakeRows = []struct{ name, in, want string }{
	{"the example", testUpgrade, ""},

	{"POST", with("GET", "POST"), "405 method_not_get"},
	{"HEAD", with("GET", "HEAD"), "405 method_not_get"},
	{"OPTIONS", with("GET", "OPTIONS"), "405 method_not_get"},
	{"OPTIONS *", with("GET /chat?room=1", "OPTIONS *"), "405 method_not_get"},
	{"lower-case get", with("GET", "get"), "405 method_not_get"},
	{"method with a bad octet", with("GET", "G(T"), "400 method"},
	{"no method", with("GET ", " "), "400 method"},

	{"HTTP/1.0", with("HTTP/1.1", "HTTP/1.0"), "505 http_version"},
	{"HTTP/1.2", with("HTTP/1.1", "HTTP/1.2"), "505 http_version"},
	{"HTTP/1.9", with("HTTP/1.1", "HTTP/1.9"), "505 http_version"},
	{"HTTP/2.0", with("HTTP/1.1", "HTTP/2.0"), "505 http_version"},
	{"HTTP/1.?", with("HTTP/1.1", "HTTP/1.?"), "400 request_line"},
	{"HTTP/1.10", with("HTTP/1.1", "HTTP/1.10"), "400 request_line"},
	{"http/1.1", with("HTTP/1.1", "http/1.1"), "400 request_line"},
	{"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 http_version"},
	{"HTTP/0.9", "GET /\r\n\r\n", "400 request_line"},
	{"a method alone", "GET\r\n\r\n", "400 request_line"},

	{"no Upgrade", with(upgradeLine, ""), "426 upgrade_missing"},
	{"empty Upgrade", with("websocket", ""), "426 upgrade_missing"},
	{"Upgrade: websocket/13", with("websocket", "websocket/13"), "426 upgrade_missing"},
	{"Upgrade: h2c", with("websocket", "h2c"), "426 upgrade_missing"},
	{"Upgrade: foo, websocket", with("websocket", "foo, websocket"), ""},
	{"Upgrade: WebSocket", with("websocket", "WebSocket"), ""},
	{"two Upgrade lines", withLine("Upgrade: foo"), ""},
	{"Upgrade with the Kelvin sign", with("websocket", "websoc\u212Aet"), "426 upgrade_missing"},

	{"no Connection", with(connectionLine, ""), "400 connection_not_upgrade"},
	{"keep-alive only", with(connectionLine, "Connection: keep-alive\r\n"), "400 connection_not_upgrade"},
	{"keep-alive, UPGRADE", with(connectionLine, "Connection: keep-alive, UPGRADE\r\n"), ""},
	{"two Connection lines", with(connectionLine, "Connection: keep-alive\r\nConnection:upgrade\r\n"), ""},
	{"empty list members", with(connectionLine, "Connection: ,, upgrade ,\r\n"), ""},
	{"Connection: upgradeX", with(connectionLine, "Connection: upgradeX\r\n"), "400 connection_not_upgrade"},
	{"Connection: x-upgrade", with(connectionLine, "Connection: x-upgrade\r\n"), "400 connection_not_upgrade"},
	{"Connection: up grade", with(connectionLine, "Connection: up grade\r\n"), "400 connection_not_upgrade"},

	{"no key", with(keyLine, ""), "400 websocket_key"},
	{"empty key", with(keyValue, ""), "400 websocket_key"},
	{"key of 15 octets", with(keyValue, "AAAAAAAAAAAAAAAAAAAA"), "400 websocket_key"},
	{"key of 17 octets", with(keyValue, "AAAAAAAAAAAAAAAAAAAAAAA="), "400 websocket_key"},
	{"key of 18 octets", with(keyValue, "AAAAAAAAAAAAAAAAAAAAAAAA"), "400 websocket_key"},
	{"key of 24 marks", with(keyValue, strings.Repeat("!", 24)), "400 websocket_key"},
	{"key with stray bits", with(keyValue, "dGhlIHNhbXBsZSBub25jZR=="), "400 websocket_key"},
	{"key in the URL alphabet", with(keyValue, "-_-_-_-_-_-_-_-_-_-_-w=="), "400 websocket_key"},
	{"key with whitespace inside", with(keyValue, "dGhlIHNhbXBsZSBub25 ZQ=="), "400 websocket_key"},
	{"key with whitespace around", with(keyValue, "\t "+keyValue+" \t"), ""},
	{"two keys", withLine("Sec-WebSocket-Key: " + keyValue), "400 websocket_key"},

	{"no version", with(versionLine, ""), "426 websocket_version"},
	{"version 0", with(": 13", ": 0"), "426 websocket_version"},
	{"version 8", with(": 13", ": 8"), "426 websocket_version"},
	{"version 12", with(": 13", ": 12"), "426 websocket_version"},
	{"version 14", with(": 13", ": 14"), "426 websocket_version"},
	{"version 013", with(": 13", ": 013"), "426 websocket_version"},
	{"version 256", with(": 13", ": 256"), "426 websocket_version"},
	{"version 13, 8", with(": 13", ": 13, 8"), "426 websocket_version"},
	{"version 13;", with(": 13", ": 13;"), "426 websocket_version"},
	{"two versions", withLine("Sec-WebSocket-Version: 13"), "400 websocket_version_repeated"},

	{"no Host", with(hostLine, ""), "400 host"},
	{"two Hosts", withLine(hostLine[:len(hostLine)-2]), "400 host"},
	{"empty Host", with("server.example.com", ""), "400 host"},
	{"Host with a space", with("server.example.com", "a b"), "400 host"},
	{"Host with a path", with("server.example.com", "a/b"), "400 host"},
	{"Host with user information", with("server.example.com", "u@a"), "400 host"},
	{"Host with a list", with("server.example.com", "a, b"), "400 host"},
	{"Host with obs-text", with("server.example.com", "\xC3\xA4"), "400 host"},
	{"Host with a bad port", with("server.example.com", "a:8x"), "400 host"},
	{"Host with a port too high", with("server.example.com", "a:65536"), "400 host"},
	{"Host with a port", with("server.example.com", "a:65535"), ""},
	{"Host of IPv6", with("server.example.com", "[::1]:80"), ""},
	{"Host of IPv6 without brackets", with("server.example.com", "::1"), "400 host"},
	{"Host of broken IPv6", with("server.example.com", "[::1"), "400 host"},
	{"Host of IPv6 and more", with("server.example.com", "[::1]x"), "400 host"},
	{"Host with a zone", with("server.example.com", "[fe80::1%25eth0]"), "400 host"},

	{"absolute form", with("/chat", "http://other.example/chat"), ""},
	{"absolute form, upper case, no path", with("/chat?room=1", "HTTPS://other.example:443"), ""},
	{"absolute form, empty host", with("/chat", "http:///chat"), "400 target"},
	{"absolute form, user information", with("/chat", "http://u:p@h/chat"), "400 target"},
	{"absolute form, other scheme", with("/chat", "ftp://h/chat"), "400 target"},
	{"absolute form, bad Host beside it", with(requestLine+hostLine, "GET http://h/ HTTP/1.1\r\nHost: a b\r\n"), "400 host"},
	{"authority form", with("/chat?room=1", "server.example.com:80"), "400 target"},
	{"CONNECT", with("GET /chat?room=1", "CONNECT h:80"), "400 target"},
	{"asterisk form", with("/chat?room=1", "*"), "400 target"},
	{"empty target", with("/chat?room=1", ""), "400 request_line"},
	{"no target", with(" /chat?room=1", ""), "400 request_line"},
	{"two spaces", with("GET ", "GET  "), "400 request_line"},
	{"space behind the version", with("HTTP/1.1", "HTTP/1.1 "), "400 request_line"},
	{"tab for a space", with("GET ", "GET\t"), "400 request_line"},
	{"tab in the target", with("/chat", "/ch\tat"), "400 target"},
	{"fragment", with("/chat?room=1", "/chat#a"), "400 target"},
	{"obs-text in the target", with("/chat", "/ch\xE4t"), "400 target"},
	{"bad escape in the path", with("/chat", "/%zz"), "400 target"},
	{"half an escape in the path", with("/chat", "/%4"), "400 target"},
	{"bare % in the query", with("room=1", "room=100%"), ""},
	{"dots, slashes and escapes in the path", with("/chat", "//a/../%2F/."), ""},

	{"obs-fold", withLine("A: b\r\n c"), "400 header_fold"},
	{"obs-fold with a colon", withLine("A: b\r\n\tc: d"), "400 header_fold"},
	{"space in front of the first header", with(hostLine, " "+hostLine), "400 header_fold"},
	{"space before the colon", withLine("A : b"), "400 header_name"},
	{"empty name", withLine(": b"), "400 header_name"},
	{"name that is no token", withLine("A(b): c"), "400 header_name"},
	{"name with obs-text", withLine("\xE4: c"), "400 header_name"},
	{"no colon", withLine("A"), "400 header_name"},
	{"obs-text in a value", withLine("A: \x80\xFF"), ""},
	{"tab in a value", withLine("A: b\tc"), ""},
	{"NUL in a value", withLine("A: b\x00c"), "400 control_byte"},
	{"DEL in a value", withLine("A: b\x7Fc"), "400 control_byte"},
	{"bare LF", strings.ReplaceAll(testUpgrade, "\r\n", "\n"), "400 bare_lf"},
	{"bare LF once", withLine("A: b\nC: d"), "400 bare_lf"},
	{"bare CR", withLine("A: b\rC: d"), "400 bare_cr"},
	{"CR CR LF", withLine("A: b\r"), "400 bare_cr"},

	{"Content-Length: 5", withLine("Content-Length: 5"), "400 body_with_upgrade"},
	{"Content-Length: 0", withLine("Content-Length: 0"), ""},
	{"Content-Length: 00", withLine("Content-Length: 00"), ""},
	{"Content-Length twice", withLine("Content-Length: 0\r\nContent-Length: 0"), "400 content_length"},
	{"Content-Length: 5, 5", withLine("Content-Length: 5, 5"), "400 content_length"},
	{"Content-Length: -1", withLine("Content-Length: -1"), "400 content_length"},
	{"Content-Length: +5", withLine("Content-Length: +5"), "400 content_length"},
	{"Content-Length: 0x5", withLine("Content-Length: 0x5"), "400 content_length"},
	{"Content-Length empty", withLine("Content-Length:"), "400 content_length"},
	{"Content-Length of 20 digits", withLine("Content-Length: 18446744073709551616"), "400 content_length"},
	{"chunked", withLine("Transfer-Encoding: chunked"), "400 body_with_upgrade"},
	{"gzip, chunked", withLine("Transfer-Encoding: gzip, chunked"), "400 transfer_encoding"},
	{"identity", withLine("Transfer-Encoding: identity"), "400 transfer_encoding"},
	{"chunked twice", withLine("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), "400 transfer_encoding"},
	{"empty Transfer-Encoding", withLine("Transfer-Encoding:"), "400 transfer_encoding"},
	{"chunked and a length", withLine("Transfer-Encoding: chunked\r\nContent-Length: 0"), "400 ambiguous_length"},
	{"Expect", withLine("Expect: 100-continue"), "417 expect_with_upgrade"},
	{"Trailer and TE", withLine("Trailer: X\r\nTE: trailers"), ""},

	{"64 headers", with("\r\n\r\n", "\r\n"+repeatLines(59)+"\r\n"), ""},
	{"65 headers", with("\r\n\r\n", "\r\n"+repeatLines(60)+"\r\n"), "431 too_many_headers"},
	{"10,000 headers", with("\r\n\r\n", "\r\n"+repeatLines(10_000)+"\r\n"), "431 too_many_headers"},
	{"header of 8 MiB", withLine("A: " + strings.Repeat("b", 8<<20)), "431 head_too_big"},
	{"target of 5 KiB", with("/chat", "/"+strings.Repeat("a", 5<<10)), "414 request_line_too_long"},

	{"subprotocols", withLine("Sec-WebSocket-Protocol: chat, superchat"), ""},
	{"subprotocols on two lines", withLine("Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b"), ""},
	{"100 subprotocols", withLine("Sec-WebSocket-Protocol: p" + manyTokens(100)), ""},
	{"129 subprotocols", withLine("Sec-WebSocket-Protocol: p" + manyTokens(129)), "400 subprotocol"},
	{"a subprotocol twice", withLine("Sec-WebSocket-Protocol: a, b, a"), "400 subprotocol"},
	{"a subprotocol twice on two lines", withLine("Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: a"), "400 subprotocol"},
	{"subprotocols that differ in case", withLine("Sec-WebSocket-Protocol: a, A"), ""},
	{"empty subprotocol", withLine("Sec-WebSocket-Protocol: a,,b"), "400 subprotocol"},
	{"no subprotocol in the line", withLine("Sec-WebSocket-Protocol:"), "400 subprotocol"},
	{"subprotocol that is no token", withLine("Sec-WebSocket-Protocol: a b"), "400 subprotocol"},
	{"subprotocol in quotes", withLine(`Sec-WebSocket-Protocol: "a"`), "400 subprotocol"},

	{"extension", withLine("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"), ""},
	{"malformed extension", withLine("Sec-WebSocket-Extensions: a;"), "400 extension"},
}

// manyTokens is "p, pp, ppp" and so on, without the first p.
func manyTokens(n int) string {
	var b strings.Builder
	for i := 1; i < n; i++ {
		b.WriteString(",t" + string(rune('a'+i%26)) + string(rune('a'+i/26)))
	}
	return b.String()
}

func TestHandshakeTable(t *testing.T) {
	for _, row := range handshakeRows {
		err := judge([]byte(row.in), nil)
		if got := reasonOf(err); got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
		if _, seen, growing := scanGrowing(t, []byte(row.in), nil); growing != nil && growing != err {
			t.Errorf("%s, byte by byte: %v after %d bytes, want %v", row.name, growing, seen, err)
		}
		if row.want == "" {
			_, err := http.ReadRequest(bufio.NewReader(strings.NewReader(row.in)))
			if err != nil {
				t.Errorf("%s: net/http refuses it: %v", row.name, err)
			}
		}
	}
}

func TestRefusalHeaders(t *testing.T) {
	for in, want := range map[string]string{
		with("GET", "POST"):    "Allow: GET\r\n",
		with(": 13", ": 8"):    "Sec-WebSocket-Version: 13\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
		with(upgradeLine, ""):  "Upgrade: websocket\r\nConnection: Upgrade\r\n",
		with(keyLine, ""):      "",
		with("GET /", "GET  "): "",
	} {
		if err := judge([]byte(in), nil).(*HandshakeError); err.Header != want {
			t.Errorf("%v: extra header %q, want %q", err, err.Header, want)
		}
	}
	if got := errNotGet.Error(); got != "frame: handshake: method_not_get (405)" {
		t.Errorf("reads %q", got)
	}
}

// TestHandshakeCutAtEveryByte: every proper part of the head needs more, whatever comes behind stays behind.
func TestHandshakeCutAtEveryByte(t *testing.T) {
	in := append([]byte(testUpgrade), stream(0x81, "eager")...)
	for cut := range len(testUpgrade) {
		var s HeadScanner
		if n, err := s.Scan(in[:cut], nil); n != 0 || err != nil {
			t.Fatalf("cut at %d: %d %v", cut, n, err)
		}
		n, err := s.Scan(in, nil)
		if n != len(testUpgrade) || err != nil {
			t.Fatalf("cut at %d: %d %v", cut, n, err)
		}
		var r Request
		if err := r.Parse(in[:cut], nil); err != errHeadIncomplete {
			t.Fatalf("part of a head, %d bytes: %v", cut, err)
		}
	}
	sameLines(t, "behind the head", run(t, DecoderConfig{}, in[len(testUpgrade):]), []string{`text "eager"`, "at rest: true"})
	var r Request
	if err := r.Parse(in, nil); err != errHeadIncomplete {
		t.Errorf("a head with bytes behind it: %v", err)
	}
}

func FuzzRequest(f *testing.F) {
	for _, row := range handshakeRows {
		if len(row.in) < 1000 {
			f.Add([]byte(row.in), 7)
		}
	}
	f.Fuzz(func(t *testing.T, in []byte, cut int) {
		var whole HeadScanner
		n, err := whole.Scan(in, nil)
		checkScanCuts(t, in, cut, n, err)
		if n == 0 || err != nil {
			return
		}
		var r Request
		if err := r.Parse(in[:n], nil); err != nil {
			if _, ok := err.(*HandshakeError); !ok {
				t.Fatal(err)
			}
			return
		}
		key, err := r.CheckUpgrade()
		if (err == nil) != (len(key) == keyBytes) {
			t.Fatalf("key %q, %v", key, err)
		}
		if r.Get("Trailer") == nil { // whose names net/http restricts, and we do not
			checkAgainstNetHTTP(t, &r, in[:n])
		}
	})
}

// checkScanCuts scans with one cut, and byte by byte, and asks for the same verdict.
func checkScanCuts(t *testing.T, in []byte, cut, n int, err error) {
	t.Helper()
	cut = max(0, min(cut, len(in)))
	var s HeadScanner
	n2, err2 := s.Scan(in[:cut], nil)
	if n2 == 0 && err2 == nil {
		n2, err2 = s.Scan(in, nil)
	}
	n3, _, err3 := scanGrowing(t, in, nil)
	if n2 != n || err2 != err || n3 != n || err3 != err {
		t.Fatalf("whole %d %v, cut %d %v, bytes %d %v", n, err, n2, err2, n3, err3)
	}
}

// checkAgainstNetHTTP: what Parse accepts means the same to net/http, which gets all that is no upgrade.
func checkAgainstNetHTTP(t *testing.T, r *Request, head []byte) {
	t.Helper()
	other, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
	if err != nil {
		t.Fatalf("net/http refuses %q: %v", head, err)
	}
	if other.Host != string(r.Host) || other.Method != string(r.Method) || other.RequestURI != string(r.Target) {
		t.Fatalf("net/http reads %s %q for %q", other.Method, other.RequestURI, other.Host)
	}
	var ours, theirs []string
	for value := range r.Values("Sec-WebSocket-Protocol") {
		ours = append(ours, string(value))
	}
	for _, value := range other.Header.Values("Sec-WebSocket-Protocol") {
		theirs = append(theirs, strings.Trim(value, " \t"))
	}
	if !slices.Equal(ours, theirs) {
		t.Fatalf("net/http reads %q, we %q", theirs, ours)
	}
}
