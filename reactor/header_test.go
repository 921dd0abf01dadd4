package reactor

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/frame"
)

func TestHeaderLines(t *testing.T) {
	got, err := headerLines(http.Header{"X-B": {"2", "3\tgrüße"}, "x-a": {""}, "Set-Cookie": {"a=b; HttpOnly"}})
	if want := "Set-Cookie: a=b; HttpOnly\r\nX-B: 2\r\nX-B: 3\tgrüße\r\nx-a: \r\n"; got != want || err != nil {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	for _, h := range []http.Header{
		{"X-A": {"fine", "a\r\nX-Evil: b"}}, {"X-A": {"a\nb"}}, {"X-A": {"a\rb"}}, {"X-A": {"a\x00b"}}, {"X-A": {"a\x7f"}},
		{"": {"a"}}, {"X A": {"a"}}, {"X-A: b\r\nX-Evil": {"a"}}, {"X-Ä": {"a"}}, {"X:A": {"a"}},
		{"upgrade": {"h2c"}}, {"Connection": {"close"}}, {"Host": {"a"}}, {"sec-websocket-accept": {"a"}}, {"Sec-WebSocket-Protocol": {"a"}},
		{"Content-Length": {"1"}}, {"Transfer-Encoding": {"chunked"}},
	} {
		if got, err := headerLines(h); err == nil || got != "" {
			t.Errorf("%q: got %q, %v; want an error", h, got, err)
		}
	}
}

// What Config.Upgrade answers is what the client gets, or a 500 that the log explains; never what somebody has smuggled in.
func TestAnswersOfUpgrade(t *testing.T) {
	for _, row := range []struct {
		name   string
		accept Accept
		err    error
		want   string // the head has it
		log    string
	}{
		{"no header", Accept{}, nil, "HTTP/1.1 101 ", ""},
		{"cookies", Accept{Header: http.Header{"Set-Cookie": {"a=1", "b=2"}}}, nil, "\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n", ""},
		{"line end", Accept{Header: http.Header{"X-A": {"b\r\nX-Evil: c"}}}, nil, "HTTP/1.1 500 ", "header X-A"},
		{"handshake's own", Accept{Header: http.Header{"Sec-WebSocket-Extensions": {"permessage-deflate"}}}, nil, "HTTP/1.1 500 ", "own"},
		{"refusal", Accept{}, &frame.HandshakeError{Status: 401, Reason: "a", Header: "WWW-Authenticate: Bearer\r\nX-B: c\r\n"},
			"\r\nWWW-Authenticate: Bearer\r\nX-B: c\r\n", ""},
		{"redirect", Accept{}, &frame.HandshakeError{Status: 302, Reason: "a", Header: "Location: /\r\n"}, "HTTP/1.1 302 ", ""},
		{"refusal without CRLF", Accept{}, &frame.HandshakeError{Status: 401, Reason: "a", Header: "X-B: c"}, "HTTP/1.1 500 ", "CRLF"},
		{"refusal with a body", Accept{}, &frame.HandshakeError{Status: 401, Reason: "a", Header: "X-B: c\r\n\r\n<script>\r\n"}, "HTTP/1.1 500 ", "CRLF"},
		{"refusal with a bare line end", Accept{}, &frame.HandshakeError{Status: 401, Reason: "a", Header: "X-B: c\nX-Evil: d\r\n"}, "HTTP/1.1 500 ", "CRLF"},
		{"refusal without a status", Accept{}, &frame.HandshakeError{Reason: "a"}, "HTTP/1.1 500 ", "status 0"},
		{"refusal that accepts", Accept{}, &frame.HandshakeError{Status: 101, Reason: "a"}, "HTTP/1.1 500 ", "status 101"},
		{"any error", Accept{Header: http.Header{"\n": nil}}, errors.New("no"), "HTTP/1.1 500 ", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			var log bytes.Buffer // written by the loop, before the answer
			s := serve(t, Config{Handler: echo, Logger: slog.New(slog.NewTextHandler(&log, nil)), Loops: 1,
				Upgrade: func(*Conn, *frame.Request) (Accept, error) { return row.accept, row.err }})
			c := connect(t, s)
			c.write(handshakeBytes("/"))
			head := string(c.head())
			c.Close()
			eventually(t, "nothing left", goneFrom(s))
			if !strings.Contains(head, row.want) || strings.Contains(head, "Evil") {
				t.Errorf("got %q, want %q", head, row.want)
			}
			if !strings.Contains(log.String(), row.log) || row.log == "" && log.Len() > 0 {
				t.Errorf("logged %q, want %q", log.String(), row.log)
			}
		})
	}
}

// A header that Dial cannot send is an error, and not left out.
func TestDialWithBadHeader(t *testing.T) {
	s := serveFed(t, Config{Handler: echo})
	for _, h := range []http.Header{{"X A": {"b"}}, {"X-A": {"b\r\nX-Evil: c"}}, {"Content-Length": {"5"}}} {
		if c, _, err := s.Dial(t.Context(), "ws://127.0.0.1:1/", DialOptions{Header: h}); c != nil || err == nil || !strings.Contains(err.Error(), "header") {
			t.Errorf("%q: %v", h, err)
		}
	}
}
