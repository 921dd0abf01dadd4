package frame

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

// TestAcceptKey is the example of RFC 6455, section 1.3.
func TestAcceptKey(t *testing.T) {
	if got := AppendAcceptKey([]byte("x"), []byte(keyValue)); string(got) != "xs3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Errorf("%s", got)
	}
	if got := AppendAcceptKey(nil, bytes.Repeat([]byte("long"), 100)); len(got) != 28 {
		t.Errorf("%s", got)
	}
}

func TestSwitchingProtocols(t *testing.T) {
	const head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
	for _, test := range []struct{ subprotocol, header, want string }{
		{"", "", head + "\r\n"},
		{"chat", "", head + "Sec-WebSocket-Protocol: chat\r\n\r\n"},
		{"chat", "Server: x\r\n", head + "Sec-WebSocket-Protocol: chat\r\nServer: x\r\n\r\n"},
		{"a\r\nSet-Cookie: b", "", head + "\r\n"}, // nothing is smuggled in
		{"a b", "", head + "\r\n"},
	} {
		if got := AppendSwitchingProtocols(nil, []byte(keyValue), test.subprotocol, test.header); string(got) != test.want {
			t.Errorf("%q: %q", test.subprotocol, got)
		}
	}
}

func TestRejection(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404, 405, 408, 413, 414, 417, 421, 426, 429, 431, 500, 501, 502, 503, 504, 505, 418} {
		wire := AppendRejection([]byte("x"), status, "Allow: GET\r\n", "no\n")[1:]
		reader := bufio.NewReader(bytes.NewReader(wire))
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatalf("%d: %v in %q", status, err, wire)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil || string(body) != "no\n" || reader.Buffered() != 0 || response.StatusCode != status {
			t.Errorf("%d: body %q, %v, %d left", response.StatusCode, body, err, reader.Buffered())
		}
		if !response.Close || response.Header.Get("Allow") != "GET" || !strings.HasPrefix(response.Header.Get("Content-Type"), "text/plain") {
			t.Errorf("%d: close %v, header %v", status, response.Close, response.Header)
		}
		text := strings.TrimPrefix(response.Status, response.Status[:4])
		if want := http.StatusText(status); status != 418 && text != want && status != 413 && status != 414 {
			t.Errorf("%d is %q, want %q", status, text, want)
		}
	}
	refusal := judge([]byte(with(": 13", ": 8")), nil).(*HandshakeError)
	response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(
		AppendRejection(nil, refusal.Status, refusal.Header, refusal.Reason))), nil)
	if err != nil || !response.Close || response.Header.Get("Sec-WebSocket-Version") != "13" || response.Header.Get("Upgrade") != "websocket" {
		t.Errorf("426: %v %v", response, err)
	}
}

// TestAgainstGobwasServer lets a server that we do not build on take our client's handshake, and us its answer.
func TestAgainstGobwasServer(t *testing.T) {
	key := NewClientKey([16]byte{1, 2, 3})
	wire := &readWriter{in: bytes.NewReader(AppendClientHandshake(nil, "h:1", "/ws", key, "Sec-WebSocket-Protocol: a, b\r\n"))}
	upgrader := ws.Upgrader{Protocol: func(p []byte) bool { return string(p) == "b" }}
	if _, err := upgrader.Upgrade(wire); err != nil {
		t.Fatal(err)
	}
	subprotocol, err := CheckServerHandshake(wire.out.Bytes(), key)
	if string(subprotocol) != "b" || err != nil {
		t.Errorf("%q %v", subprotocol, err)
	}
}

type readWriter struct {
	in  io.Reader
	out bytes.Buffer
}

func (rw *readWriter) Read(p []byte) (int, error)  { return rw.in.Read(p) }
func (rw *readWriter) Write(p []byte) (int, error) { return rw.out.Write(p) }
