package handshake

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wsedge/wsedge/reactor"
)

// HS-38: the requests that h1spec asks a server of HTTP/1.1. The first kind are parts of a request: the server must wait.
var h1specParts = []struct{ id, part string }{
	{"HS-38/method", "G"},
	{"HS-38/target 1", "GET "},
	{"HS-38/target 2", "GET /hello"},
	{"HS-38/target 3", "GET /hello "},
	{"HS-38/version", "GET /hello HTTP"},
	{"HS-38/request line", "GET /hello HTTP/1.1"},
	{"HS-38/line end 1", "GET /hello HTTP/1.1\r"},
	{"HS-38/line end 2", "GET /hello HTTP/1.1\r\n"},
	{"HS-38/field name", "GET /hello HTTP/1.1\r\nHos"},
	{"HS-38/field value 1", "GET /hello HTTP/1.1\r\nHost:"},
	{"HS-38/field value 2", "GET /hello HTTP/1.1\r\nHost: "},
	{"HS-38/field value 3", "GET /hello HTTP/1.1\r\nHost: localhost"},
	{"HS-38/field value 4", "GET /hello HTTP/1.1\r\nHost: localhost\r"},
	{"HS-38/headers", "GET /hello HTTP/1.1\r\nHost: localhost\r\n"},
	{"HS-38/end", "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r"},
}

// h1specBad are the second kind: requests that must be refused, though none asks for a WebSocket.
var h1specBad = []refusal{
	{"HS-38/no version", "GET / \r\nHost: localhost\r\n\r\n", "400 request_line"},
	{"HS-38/version 9.9", "GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", "505 http_version"},
	{"HS-38/prefix", "Extra lineGET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "400 request_line"},
	{"HS-38/line end", "GET / HTTP/1.1\r\nHost: localhost\r\n\rA: b\r\n\r\n", "400 bare_cr"},
	{"HS-38/bare LF", "GET / HTTP/1.1\nHost: localhost\n\n", "400 bare_lf"},
	{"HS-38/no Host", "GET / HTTP/1.1\r\n\r\n", "400 host"},
	{"HS-38/two Hosts", "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", "400 host"},
	{"HS-38/octets of a name", "GET / HTTP/1.1\r\nHost: localhost\r\nA[]: b\r\n\r\n", "400 header_name"},
	{"HS-38/empty name", "GET / HTTP/1.1\r\nHost: localhost\r\n: b\r\n\r\n", "400 header_name"},
	{"HS-38/space before colon", "GET / HTTP/1.1\r\nHost : localhost\r\n\r\n", "400 header_name"},
	{"HS-38/control octet", "GET / HTTP/1.1\r\nHost: localhost\r\nA: b\x07\r\n\r\n", "400 control_byte"},
	{"HS-38/length of letters", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: abc\r\n\r\n", "400 content_length"},
	{"HS-38/length negative", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", "400 content_length"},
	{"HS-38/length negative, overflowing", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -" + strings.Repeat("1234567890", 5) + "\r\n\r\n",
		"400 content_length"},
	{"HS-38/two lengths", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "400 content_length"},
	{"HS-38/length and coding",
		"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 ambiguous_length"},
	{"HS-38/unknown coding", "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, x\r\n\r\n0\r\n\r\n", "400 transfer_encoding"},
}

// hello answers every request, and counts them.
func hello(served *atomic.Int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		served.Add(1)
		w.Header().Set("Connection", "close")
		_, _ = io.WriteString(w, "hello\n")
	})
}

func TestH1SpecParts(t *testing.T) {
	var served atomic.Int64
	s := serve(t, reactor.Config{HTTP: hello(&served)})
	whole := h1specParts[len(h1specParts)-1].part + "\n"
	sent, peers := 0, make([]*peer, len(h1specParts))
	for i, row := range h1specParts {
		peers[i] = connect(t, s.Addr())
		peers[i].write(row.part)
		sent += len(row.part)
	}
	taken(t, s, sent)
	for i, row := range h1specParts {
		t.Run(row.id, func(t *testing.T) {
			if n := int(served.Load()); n != i {
				t.Errorf("%d requests were served when %d were whole", n, i)
			}
			p := peers[i]
			p.t = t
			p.write(whole[len(row.part):])
			if answer := p.reply(false); answer.status != 200 || answer.content != "hello\n" {
				t.Errorf("answer %+v", answer)
			}
			p.wantEnd()
		})
	}
}

func TestH1SpecBad(t *testing.T) {
	var served atomic.Int64
	s := serve(t, reactor.Config{HTTP: hello(&served)})
	for _, row := range h1specBad {
		t.Run(row.id, func(t *testing.T) {
			p := connect(t, s.Addr())
			p.write(row.request + behind)
			p.wantRefusal(row.want, false)
		})
	}
	if n := served.Load(); n != 0 {
		t.Errorf("%d requests were served though all are to be refused", n)
	}
}
