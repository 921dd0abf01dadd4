package handshake

import (
	"bufio"
	"strings"
	"testing"
)

func TestReplyReader(t *testing.T) {
	for _, row := range []struct{ name, in, content string }{
		{"content", "HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nhost", "hos"},
		{"no content", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: b\tc\r\n\r\n", ""},
		{"101", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nrest", ""},
	} {
		p, err := readReply(bufio.NewReader(strings.NewReader(row.in)), false)
		if err != nil || p.content != row.content {
			t.Errorf("%s: %q %v", row.name, p.content, err)
		}
	}
	p, err := readReply(bufio.NewReader(strings.NewReader("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")), true)
	if err != nil || p.content != "" {
		t.Errorf("to a HEAD: %q %v", p.content, err)
	}
}

func TestReplyReaderForgivesNothing(t *testing.T) {
	const end = "Content-Length: 0\r\n\r\n"
	for name, in := range map[string]string{
		"nothing":               "",
		"version":               "HTTP/1.0 400 Bad Request\r\n" + end,
		"no phrase":             "HTTP/1.1 400\r\n" + end,
		"another phrase":        "HTTP/1.1 400 Bad Host\r\n" + end,
		"status of 2 digits":    "HTTP/1.1 40 Bad Request\r\n" + end,
		"status not a number":   "HTTP/1.1 4x0 Bad Request\r\n" + end,
		"bare LF":               "HTTP/1.1 400 Bad Request\n" + end,
		"bare CR":               "HTTP/1.1 400 Bad Request\rA: b\r\n" + end,
		"NUL":                   "HTTP/1.1 400 Bad Request\r\nA: \x00\r\n" + end,
		"not ASCII":             "HTTP/1.1 400 Bad Request\r\nA: \xE4\r\n" + end,
		"fold":                  "HTTP/1.1 400 Bad Request\r\nA: b\r\n c\r\n" + end,
		"no colon":              "HTTP/1.1 400 Bad Request\r\nA\r\n" + end,
		"no space":              "HTTP/1.1 400 Bad Request\r\nA:b\r\n" + end,
		"two spaces":            "HTTP/1.1 400 Bad Request\r\nA:  b\r\n" + end,
		"space behind":          "HTTP/1.1 400 Bad Request\r\nA: b \r\n" + end,
		"space before colon":    "HTTP/1.1 400 Bad Request\r\nA : b\r\n" + end,
		"no value":              "HTTP/1.1 400 Bad Request\r\nA: \r\n" + end,
		"no length":             "HTTP/1.1 400 Bad Request\r\n\r\n",
		"two lengths":           "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n" + end,
		"length with a sign":    "HTTP/1.1 400 Bad Request\r\nContent-Length: +1\r\n\r\na",
		"length with a zero":    "HTTP/1.1 400 Bad Request\r\nContent-Length: 01\r\n\r\na",
		"chunked":               "HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"content that ends":     "HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nab",
		"head that ends":        "HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n",
		"101 with a length":     "HTTP/1.1 101 Switching Protocols\r\n" + end,
		"a line without an end": "HTTP/1.1 400 " + strings.Repeat("x", 1<<20),
		"a head without an end": "HTTP/1.1 400 Bad Request\r\n" + strings.Repeat("A: b\r\n", 1<<16),
	} {
		if p, err := readReply(bufio.NewReader(strings.NewReader(in)), false); err == nil {
			t.Errorf("%s: taken as %+v", name, p)
		}
	}
}
