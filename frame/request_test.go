package frame

import (
	"slices"
	"testing"
)

func mustParse(t testing.TB, r *Request, head string) {
	t.Helper()
	if err := r.Parse([]byte(head), nil); err != nil {
		t.Fatalf("%q: %v", head, err)
	}
}

func TestRequestParts(t *testing.T) {
	tests := []struct {
		line              string
		path, query, host string
		method            string
		minor             int
		queryNil          bool
	}{
		{line: "GET / HTTP/1.1", method: "GET", path: "/", host: "h:8080", minor: 1, queryNil: true},
		{line: "GET /a/b?c=d&e?f HTTP/1.0", method: "GET", path: "/a/b", query: "c=d&e?f", host: "h:8080"},
		{line: "POST /a? HTTP/1.1", method: "POST", path: "/a", host: "h:8080", minor: 1},
		{line: "GET http://o/p?q HTTP/1.1", method: "GET", path: "/p", query: "q", host: "o", minor: 1},
		{line: "GET https://o:1?q HTTP/1.1", method: "GET", path: "/", query: "q", host: "o:1", minor: 1},
		{line: "GET http://[::1]:2 HTTP/1.1", method: "GET", path: "/", host: "[::1]:2", minor: 1, queryNil: true},
		{line: "OPTIONS * HTTP/1.1", method: "OPTIONS", path: "*", host: "h:8080", minor: 1, queryNil: true},
	}
	var r Request // used again and again
	for _, test := range tests {
		mustParse(t, &r, test.line+"\r\nHost: h:8080\r\n\r\n")
		if string(r.Method) != test.method || string(r.Path) != test.path || string(r.Query) != test.query ||
			string(r.Host) != test.host || r.Minor != test.minor || (r.Query == nil) != test.queryNil {
			t.Errorf("%s: %s %q %q %q %d", test.line, r.Method, r.Path, r.Query, r.Host, r.Minor)
		}
	}
}

func TestRequestOfHTTP10NeedsNoHost(t *testing.T) {
	var r Request
	mustParse(t, &r, "GET / HTTP/1.0\r\n\r\n")
	if r.Host != nil || r.Minor != 0 || r.NumHeaders() != 0 {
		t.Errorf("%q %d %d", r.Host, r.Minor, r.NumHeaders())
	}
	err := r.Parse([]byte("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), nil)
	if err != errTransferCoding {
		t.Errorf("chunked in HTTP/1.0: %v", err)
	}
	mustParse(t, &r, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n")
	if r.WantsUpgrade() {
		t.Error("wants no upgrade")
	}
}

// TestParseTrustsNobody: a head that no scanner has passed is checked all the same.
func TestParseTrustsNobody(t *testing.T) {
	for in, want := range map[string]string{
		"":                                    "400 head_incomplete",
		"GET / HTTP/1.1\r\nHost: h\r\n":       "400 head_incomplete",
		"GET / HTTP/1.1\r\nHost: h\r\n\r\nx":  "400 head_incomplete",
		"GET / HTTP/1.1\nHost: h\n\n":         "400 bare_lf",
		"GET / HTTP/1.1\r\nHost: h\x00\r\n\r": "400 control_byte",
	} {
		var r Request
		if err := r.Parse([]byte(in), nil); reasonOf(err) != want {
			t.Errorf("%q: %v, want %s", in, err, want)
		}
	}
	var r Request
	mustParse(t, &r, testUpgrade)
	if err := r.Parse([]byte("x"), nil); err == nil || r.NumHeaders() != 0 || r.Method != nil {
		t.Errorf("a failed Parse must forget the request before: %v, %d headers", err, r.NumHeaders())
	}
	for _, f := range r.fields[:cap(r.fields)] {
		if f.name != nil {
			t.Errorf("a view of a head that is gone: %q", f.name)
		}
	}
}

func TestRequestHeaders(t *testing.T) {
	var r Request
	mustParse(t, &r, "GET / HTTP/1.1\r\nHost: h\r\nA: 1\r\na:\t2 \r\nEmpty:\r\nA:3\r\n\r\n")
	if got := r.Get("a"); string(got) != "1" {
		t.Errorf("Get gives %q", got)
	}
	if got := r.Get("Empty"); got == nil || len(got) != 0 {
		t.Errorf("an empty value is %#v", got)
	}
	if got := r.Get("absent"); got != nil {
		t.Errorf("an absent header is %q", got)
	}
	var values []string
	for value := range r.Values("A") {
		values = append(values, string(value))
		if len(values) == 3 {
			break
		}
	}
	if !slices.Equal(values, []string{"1", "2", "3"}) || r.NumHeaders() != 5 {
		t.Errorf("%q of %d headers", values, r.NumHeaders())
	}
	for range r.Values("A") {
		break
	}
}

func TestParseAndCheckAllocateNothing(t *testing.T) {
	head := []byte(withLine("Sec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Extensions: permessage-deflate; a=\"b\"\r\nOrigin: http://server.example.com"))
	var r Request
	dst := make([]byte, 0, 512)
	allocs := testing.AllocsPerRun(100, func() {
		var s HeadScanner
		if n, err := s.Scan(head, nil); n != len(head) || err != nil {
			t.Fatal(n, err)
		}
		if err := r.Parse(head, nil); err != nil {
			t.Fatal(err)
		}
		key, err := r.CheckUpgrade()
		if err != nil {
			t.Fatal(err)
		}
		origin, _ := r.Origin()
		if !SameOrigin(origin, r.Host, false) {
			t.Fatal(origin)
		}
		dst = AppendSwitchingProtocols(dst[:0], key, "a", "")
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
	bad := []byte(with("GET", "POST"))
	allocs = testing.AllocsPerRun(100, func() {
		if err := r.Parse(bad, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := r.CheckUpgrade(); err != errNotGet {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Errorf("a refusal: %v allocations", allocs)
	}
}

func BenchmarkHandshake(b *testing.B) {
	browser := []byte(withLine("User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n" +
		"Accept: */*\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n" +
		"Sec-WebSocket-Extensions: permessage-deflate\r\nOrigin: http://server.example.com\r\n" +
		"Sec-Fetch-Dest: empty\r\nSec-Fetch-Mode: websocket\r\nSec-Fetch-Site: same-origin\r\n" +
		"Pragma: no-cache\r\nCache-Control: no-cache"))
	var r Request
	dst := make([]byte, 0, 512)
	b.ReportAllocs()
	b.SetBytes(int64(len(browser)))
	for b.Loop() {
		var s HeadScanner
		n, _ := s.Scan(browser, nil)
		if err := r.Parse(browser[:n], nil); err != nil {
			b.Fatal(err)
		}
		key, err := r.CheckUpgrade()
		if err != nil {
			b.Fatal(err)
		}
		dst = AppendSwitchingProtocols(dst[:0], key, "", "")
	}
}
