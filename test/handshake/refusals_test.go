package handshake

import (
	"strings"
	"testing"

	"github.com/wsedge/wsedge/reactor"
)

// refusal is a request and what it must be answered with: status and reason.
type refusal struct{ id, request, want string }

var refusals = []refusal{
	{"HS-1/POST", with("GET", "POST"), "405 method_not_get"},
	{"HS-1/HEAD", with("GET", "HEAD"), "405 method_not_get"},
	{"HS-1/OPTIONS", with("GET", "OPTIONS"), "405 method_not_get"},
	{"HS-1/PUT", with("GET", "PUT"), "405 method_not_get"},
	{"HS-1/TRACE", with("GET", "TRACE"), "405 method_not_get"},
	{"HS-1/lower case", with("GET", "get"), "405 method_not_get"},
	{"HS-1/OPTIONS of all", with("GET /chat", "OPTIONS *"), "405 method_not_get"},
	{"HS-1/bad octet", with("GET", "G(T"), "400 method"},

	{"HS-2/1.0", with("HTTP/1.1", "HTTP/1.0"), "505 http_version"},
	{"HS-3/1.2", with("HTTP/1.1", "HTTP/1.2"), "505 http_version"},
	{"HS-3/1.9", with("HTTP/1.1", "HTTP/1.9"), "505 http_version"},
	{"HS-3/2.0", with("HTTP/1.1", "HTTP/2.0"), "505 http_version"},
	{"HS-3/0.9", with("HTTP/1.1", "HTTP/0.9"), "505 http_version"},
	{"HS-3/1.?", with("HTTP/1.1", "HTTP/1.?"), "400 request_line"},
	{"HS-3/1.10", with("HTTP/1.1", "HTTP/1.10"), "400 request_line"},
	{"HS-3/lower case", with("HTTP/1.1", "http/1.1"), "400 request_line"},
	{"HS-3/none", with(" HTTP/1.1", ""), "400 request_line"},
	{"HS-4/preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", "505 http_version"},
	{"HS-4/preface alone", "PRI * HTTP/2.0\r\n\r\n", "505 http_version"},

	{"HS-5/missing", with(upgradeLine, ""), "426 upgrade_required"},
	{"HS-5/empty", with("websocket", ""), "426 upgrade_required"},
	{"HS-5/websocket/13", with("websocket", "websocket/13"), "426 upgrade_required"},
	{"HS-5/h2c", with("websocket", "h2c"), "426 upgrade_required"},
	{"HS-5/substring", with("websocket", "xwebsocket"), "426 upgrade_required"},
	{"HS-7/missing", with(connectionLine, ""), "400 connection_not_upgrade"},
	{"HS-7/keep-alive", with("Connection: Upgrade", "Connection: keep-alive"), "400 connection_not_upgrade"},
	{"HS-7/empty", with("Connection: Upgrade", "Connection:"), "400 connection_not_upgrade"},
	{"HS-9/upgradeX", with("Connection: Upgrade", "Connection: upgradeX"), "400 connection_not_upgrade"},
	{"HS-9/x-upgrade", with("Connection: Upgrade", "Connection: x-upgrade"), "400 connection_not_upgrade"},
	{"HS-9/two words", with("Connection: Upgrade", "Connection: keep-alive upgrade"), "400 connection_not_upgrade"},

	{"HS-10/missing", with(keyLine, ""), "400 websocket_key"},
	{"HS-10/empty", with(keyValue, ""), "400 websocket_key"},
	{"HS-10/15 octets", with(keyValue, "AAAAAAAAAAAAAAAAAAAA"), "400 websocket_key"},
	{"HS-10/17 octets", with(keyValue, "AAAAAAAAAAAAAAAAAAAAAAA="), "400 websocket_key"},
	{"HS-10/18 octets", with(keyValue, "AAAAAAAAAAAAAAAAAAAAAAAA"), "400 websocket_key"},
	{"HS-10/24 raw octets", with(keyValue, strings.Repeat("\xA5", 24)), "400 websocket_key"},
	{"HS-10/no base64", with(keyValue, strings.Repeat("!", 24)), "400 websocket_key"},
	{"HS-10/URL alphabet", with(keyValue, "-_-_-_-_-_-_-_-_-_-_-w=="), "400 websocket_key"},
	{"HS-10/not canonical", with(keyValue, "dGhlIHNhbXBsZSBub25jZR=="), "400 websocket_key"},
	{"HS-10/no padding", with(keyValue, "dGhlIHNhbXBsZSBub25jZQ"), "400 websocket_key"},
	{"HS-10/space inside", with(keyValue, "dGhlIHNhbXBsZSBub25 ZQ=="), "400 websocket_key"},
	{"HS-11/twice", plus("Sec-WebSocket-Key: " + keyValue), "400 websocket_key"},
	{"HS-11/two keys", plus("sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA=="), "400 websocket_key"},

	{"HS-12/missing", with(versionLine, ""), "426 websocket_version"},
	{"HS-12/empty", with(": 13", ":"), "426 websocket_version"},
	{"HS-12/0", with(": 13", ": 0"), "426 websocket_version"},
	{"HS-12/8", with(": 13", ": 8"), "426 websocket_version"},
	{"HS-12/12", with(": 13", ": 12"), "426 websocket_version"},
	{"HS-12/14", with(": 13", ": 14"), "426 websocket_version"},
	{"HS-12/013", with(": 13", ": 013"), "426 websocket_version"},
	{"HS-12/256", with(": 13", ": 256"), "426 websocket_version"},
	{"HS-12/269", with(": 13", ": 269"), "426 websocket_version"}, // 13 modulo 256
	{"HS-12/list", with(": 13", ": 13, 8"), "426 websocket_version"},
	{"HS-12/semicolon", with(": 13", ": 13;"), "426 websocket_version"},
	{"HS-13/twice", plus("Sec-WebSocket-Version: 13"), "400 websocket_version_repeated"},
	{"HS-13/two versions", plus("Sec-WebSocket-Version: 8"), "400 websocket_version_repeated"},

	{"HS-14/missing", with(hostLine, ""), "400 host"},
	{"HS-14/two", plus("Host: here.example"), "400 host"},
	{"HS-14/two, other case", plus("hOST: evil.example"), "400 host"},
	{"HS-14/empty", with("here.example", ""), "400 host"},
	{"HS-14/space", with("here.example", "a b"), "400 host"},
	{"HS-14/path", with("here.example", "a/b"), "400 host"},
	{"HS-14/user", with("here.example", "u@a"), "400 host"},
	{"HS-14/list", with("here.example", "a,b c"), "400 host"},
	{"HS-14/obs-text", with("here.example", "\xC3\xA4"), "400 host"},
	{"HS-14/port", with("here.example", "a:8x"), "400 host"},
	{"HS-14/port too high", with("here.example", "a:65536"), "400 host"},
	{"HS-14/IPv6 bare", with("here.example", "::1"), "400 host"},
	{"HS-14/IPv6 broken", with("here.example", "[::1"), "400 host"},

	{"HS-15/authority", with("/chat", "here.example:80"), "400 target"},
	{"HS-15/CONNECT", with("GET /chat", "CONNECT here.example:80"), "400 target"},
	{"HS-15/asterisk", with("/chat", "*"), "400 target"},
	{"HS-15/no host", with("/chat", "http:///chat"), "400 target"},
	{"HS-15/user", with("/chat", "http://u:p@here.example/chat"), "400 target"},
	{"HS-15/scheme", with("/chat", "ftp://here.example/chat"), "400 target"},
	{"HS-15/two Hosts", with(requestLine, "GET http://h/ HTTP/1.1\r\nHost: h\r\n"), "400 host"},
	{"HS-15/bad Host", with(requestLine+hostLine, "GET http://h/ HTTP/1.1\r\nHost: a b\r\n"), "400 host"},
	{"HS-16/empty target", with("/chat", ""), "400 request_line"},
	{"HS-16/no target", with(" /chat", ""), "400 request_line"},
	{"HS-16/two spaces behind", with("/chat ", "/chat  "), "400 request_line"},
	{"HS-16/space at the end", with("HTTP/1.1", "HTTP/1.1 "), "400 request_line"},
	{"HS-16/tab", with("GET ", "GET\t"), "400 request_line"},
	{"HS-16/fragment", with("/chat", "/chat#a"), "400 target"},
	{"HS-16/obs-text", with("/chat", "/ch\xE4t"), "400 target"},
	{"HS-16/bad escape", with("/chat", "/%zz"), "400 target"},
	{"HS-16/empty line in front", "\r\n" + upgrade, "400 empty_start_line"},

	{"HS-17/fold", plus("A: b", " c"), "400 header_fold"},
	{"HS-17/fold by tab, with a colon", plus("A: b", "\tHost: c"), "400 header_fold"},
	{"HS-17/fold of nothing", plus("A: b", " "), "400 header_fold"},
	{"HS-18/space before colon", plus("A : b"), "400 header_name"},
	{"HS-18/tab before colon", plus("A\t: b"), "400 header_name"},
	{"HS-18/leading space", with(hostLine, " "+hostLine), "400 header_fold"},
	{"HS-18/empty name", plus(": b"), "400 header_name"},
	{"HS-18/no token", plus("A(b): c"), "400 header_name"},
	{"HS-18/obs-text", plus("\xE4: b"), "400 header_name"},
	{"HS-18/no colon", plus("A"), "400 header_name"},
	{"HS-19/all LF", strings.ReplaceAll(upgrade, "\r\n", "\n"), "400 bare_lf"},
	{"HS-19/one LF", plus("A: b\nC: d"), "400 bare_lf"},
	{"HS-19/LF at the end", strings.TrimSuffix(upgrade, "\r\n") + "\n", "400 bare_lf"},
	{"HS-19/bare CR", plus("A: b\rC: d"), "400 bare_cr"},
	{"HS-19/CR CR LF", plus("A: b\r"), "400 bare_cr"},
	{"HS-20/NUL", plus("A: b\x00c"), "400 control_byte"},
	{"HS-20/escape", plus("A: \x1B[31m"), "400 control_byte"},
	{"HS-20/DEL", plus("A: b\x7F"), "400 control_byte"},
	{"HS-20/NUL in the target", with("/chat", "/ch\x00at"), "400 control_byte"},

	{"HS-21/body", plus("Content-Length: 5") + "hello", "400 body_with_upgrade"},
	{"HS-21/body of frames", plus("Content-Length: 11") + "\x81\x85\x00\x00\x00\x00hello", "400 body_with_upgrade"},
	{"HS-22/chunked", plus("Transfer-Encoding: chunked") + "0\r\n\r\n", "400 body_with_upgrade"},
	{"HS-22/both", plus("Transfer-Encoding: chunked", "Content-Length: 5") + "0\r\n\r\n", "400 ambiguous_length"},
	{"HS-22/both, of nothing", plus("Content-Length: 0", "Transfer-Encoding: chunked"), "400 ambiguous_length"},
	{"HS-22/gzip, chunked", plus("Transfer-Encoding: gzip, chunked"), "400 transfer_encoding"},
	{"HS-22/identity", plus("Transfer-Encoding: identity"), "400 transfer_encoding"},
	{"HS-22/chunked twice", plus("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), "400 transfer_encoding"},
	{"HS-22/length list", plus("Content-Length: 5, 5"), "400 content_length"},
	{"HS-22/length twice", plus("Content-Length: 0", "Content-Length: 0"), "400 content_length"},
	{"HS-22/length negative", plus("Content-Length: -1"), "400 content_length"},
	{"HS-22/length +5", plus("Content-Length: +5"), "400 content_length"},
	{"HS-22/length 0x5", plus("Content-Length: 0x5"), "400 content_length"},
	{"HS-22/length empty", plus("Content-Length:"), "400 content_length"},
	{"HS-22/length 2^64", plus("Content-Length: 18446744073709551616"), "400 content_length"},
	{"HS-23/Expect", plus("Expect: 100-continue"), "417 expect_with_upgrade"},
	{"HS-23/unknown", plus("Expect: the-unexpected"), "417 expect_with_upgrade"},

	{"HS-25/65 headers", plus(strings.TrimSuffix(manyLines(60), "\r\n")), "431 too_many_headers"},
	{"HS-25/10,000 headers", plus(strings.TrimSuffix(manyLines(10_000), "\r\n")), "431 too_many_headers"},
	{"HS-25/8193 bytes", headOf(8193), "431 head_too_big"},
	{"HS-25/a header of 1 MiB", headOf(1 << 20), "431 head_too_big"},
	{"HS-25/a name of 16 KiB", plus(strings.Repeat("a", 16<<10) + ": b"), "431 head_too_big"},
	{"HS-25/a line of 4097 bytes", with("/chat", "/"+strings.Repeat("a", 4097-len("GET / HTTP/1.1"))), "414 request_line_too_long"},
	{"HS-25/a method of 5 KiB", with("GET", strings.Repeat("G", 5<<10)), "414 request_line_too_long"},

	{"HS-31/empty element", plus("Sec-WebSocket-Protocol: a,,b"), "400 subprotocol"},
	{"HS-31/comma at the end", plus("Sec-WebSocket-Protocol: a,"), "400 subprotocol"},
	{"HS-31/empty", plus("Sec-WebSocket-Protocol:"), "400 subprotocol"},
	{"HS-31/twice", plus("Sec-WebSocket-Protocol: a, b, a"), "400 subprotocol"},
	{"HS-31/twice, two lines", plus("Sec-WebSocket-Protocol: a", "Sec-WebSocket-Protocol: a"), "400 subprotocol"},
	{"HS-31/no token", plus("Sec-WebSocket-Protocol: a b"), "400 subprotocol"},
	{"HS-31/quotes", plus(`Sec-WebSocket-Protocol: "a"`), "400 subprotocol"},
	{"HS-31/obs-text", plus("Sec-WebSocket-Protocol: \xE4"), "400 subprotocol"},
	{"HS-31/CR", plus("Sec-WebSocket-Protocol: a\rSet-Cookie: b"), "400 bare_cr"},
	{"HS-31/LF", plus("Sec-WebSocket-Protocol: a\nSet-Cookie: b"), "400 bare_lf"},
	{"HS-31/129 items", plus("Sec-WebSocket-Protocol: " + subprotocols(129)), "400 subprotocol"},

	{"HS-32/semicolon at the end", plus("Sec-WebSocket-Extensions: a;"), "400 extension"},
	{"HS-32/no name", plus("Sec-WebSocket-Extensions: ;b"), "400 extension"},
	{"HS-32/no value", plus("Sec-WebSocket-Extensions: a; b="), "400 extension"},
	{"HS-32/two equals", plus("Sec-WebSocket-Extensions: a; b==c"), "400 extension"},
	{"HS-32/two words", plus("Sec-WebSocket-Extensions: a b"), "400 extension"},
	{"HS-32/quote not closed", plus(`Sec-WebSocket-Extensions: a; b="c`), "400 extension"},
	{"HS-32/nothing in quotes", plus(`Sec-WebSocket-Extensions: a; b=""`), "400 extension"},
	{"HS-32/no token in quotes", plus(`Sec-WebSocket-Extensions: a; b="c d"`), "400 extension"},
	{"HS-32/quoted name", plus(`Sec-WebSocket-Extensions: "a"`), "400 extension"},
	{"HS-32/empty", plus("Sec-WebSocket-Extensions:"), "400 extension"},
	{"HS-32/commas alone", plus("Sec-WebSocket-Extensions: , ,"), "400 extension"},
	{"HS-32/bad second line", plus("Sec-WebSocket-Extensions: a", "Sec-WebSocket-Extensions: b;"), "400 extension"},

	{"HS-35/TLS", clientHello(), "400 control_byte"},
	{"HS-35/TLS alert", "\x15\x03\x03\x00\x02\x02\x28", "400 control_byte"},
	{"HS-35/SSL 2", "\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10", "400 control_byte"},
}

func TestRefusals(t *testing.T) {
	s := serve(t, reactor.Config{})
	for _, row := range refusals {
		t.Run(row.id, func(t *testing.T) {
			t.Parallel()
			p := connect(t, s.Addr())
			p.write(row.request + behind)
			p.wantRefusal(row.want, strings.HasPrefix(row.request, "HEAD "))
		})
	}
}
