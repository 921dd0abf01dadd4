package loadtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wsedge/wsedge/frame"
)

func TestFailuresAreClassified(t *testing.T) {
	wrapped := func(errno error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", errno)}
	}
	cases := []struct {
		failure failure
		json    string // the only field of the counts besides the total
		line    string
	}{
		{failureOf("connect", unix.ECONNREFUSED), `"refused":1`, "1 refused"},
		{failureOf("connect", wrapped(unix.ECONNREFUSED)), `"refused":1`, "1 refused"},
		{failureOf("send", unix.ECONNRESET), `"reset":1`, "1 reset"},
		{failureOf("send", unix.EPIPE), `"reset":1`, "1 reset"},
		{failureOf("receive", unix.ETIMEDOUT), `"timeout":{"receive":1}`, "1 × timeout of receive"},
		{failureOf("answer", os.ErrDeadlineExceeded), `"timeout":{"answer":1}`, "1 × timeout of answer"},
		{timeoutFailure("handshake"), `"timeout":{"handshake":1}`, "1 × timeout of handshake"},
		{failureOf("resolve", fmt.Errorf("x: %w", &net.DNSError{Err: "no such host", Name: "h"})), `"dns":1`, "1 DNS"},
		{headFailure([]byte{21, 3, 3, 0, 2}, errors.New("control_byte")), `"tls":1,"tls_causes":{"on_plain_port":1}`, "1 × TLS on_plain_port"},
		{headFailure([]byte("SSH-2.0"), &frame.HandshakeError{Status: 400, Reason: "bare_lf"}), `"bad_handshake":{"bare_lf":1}`, "1 × bad handshake bare_lf"},
		{answerFailure(&frame.HandshakeError{Status: 503, Reason: "status_not_101"}), `"http_status":{"503":1}`, "1 × HTTP status 503"},
		{answerFailure(&frame.HandshakeError{Status: 101, Reason: "websocket_accept"}), `"bad_handshake":{"websocket_accept":1}`, "websocket_accept"},
		{answerFailure(&frame.HandshakeError{Reason: "status_line"}), `"bad_handshake":{"status_line":1}`, "status_line"},
		{protocolFailure(frame.ErrMasked), `"protocol":{"masked_frame":1}`, "1 × protocol masked_frame"},
		{closeFailure(1001, []byte("bye\x1b[2J")), `"close":{"1001":1}`, "1 × close 1001"},
		{failureOf("connect", unix.EHOSTUNREACH), `"other":{"connect: EHOSTUNREACH (no route to host)":1}`, "1 other"},
	}
	for _, c := range cases {
		counts, twice := newErrorCounts(), newErrorCounts()
		counts.count(c.failure, 1)
		twice.add(counts)
		text, err := json.Marshal(twice)
		if err != nil {
			t.Fatal(err)
		}
		fields := 2
		if c.failure.class == failedTLS {
			fields = 3 // in all, and by its cause
		}
		if !strings.Contains(string(text), c.json) || twice.Total != 1 || strings.Count(string(text), ":1") != fields {
			t.Errorf("%+v: counted as %s, want %s", c.failure, text, c.json)
		}
		if got := twice.line(); !strings.Contains(got, c.line) {
			t.Errorf("%+v: reads %q, want %q", c.failure, got, c.line)
		}
	}
	if got := closeFailure(1001, []byte("bye\x1b[2J")).text; got != "close 1001 bye?[2J" {
		t.Errorf("the server's text reads %q", got)
	}
}

// TestCausesOfAServerAreBounded has a server invent causes.
func TestCausesOfAServerAreBounded(t *testing.T) {
	counts := map[string]uint64{}
	for i := range 10 * maxCauses {
		countCause(counts, fmt.Sprint(i), 1)
	}
	if len(counts) != maxCauses+1 || sum(counts) != 10*maxCauses || counts[otherCauses] != 9*maxCauses {
		t.Errorf("%d causes, %d counted, %d of them together", len(counts), sum(counts), counts[otherCauses])
	}
	if got := foreign([]byte(strings.Repeat("ü", 1000))); len([]rune(got)) != 64 {
		t.Errorf("a long text takes %d characters", len([]rune(got)))
	}
}

// TestUnknownHost is a result: a report, all connections failed.
func TestUnknownHost(t *testing.T) {
	original := net.DefaultResolver
	defer func() { net.DefaultResolver = original }()
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no network")
	}}
	r := mustRun(t, Config{Scenario: Fanout, URL: "ws://nowhere.invalid/ws", Conns: 3})
	if r.Verdict.OK || r.Errors.DNS != 3 || r.Errors.Total != 3 || sum(r.Connections.Failures) != 3 {
		t.Errorf("%+v, %+v, %+v", r.Verdict, r.Errors, r.Connections)
	}
	var text strings.Builder
	if err := r.WriteText(&text); err != nil || !strings.Contains(text.String(), "3 DNS") {
		t.Errorf("%v in\n%s", err, text.String())
	}
}

func TestFailuresOfPublications(t *testing.T) {
	s := &pushServer{publish: func(nth int) int {
		switch nth % 4 {
		case 1:
			return http.StatusTooManyRequests
		case 2:
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	}}
	s.start(t)
	cfg := shortFanout(s.url("/ws"))
	cfg.Drain = 10 * time.Second
	r := mustRun(t, cfg)
	got := r.Publications.Errors
	if got.Total != 10 || got.HTTPStatus["429"] != 5 || got.HTTPStatus["503"] != 5 || r.Errors.Total != 0 {
		t.Errorf("%+v, connections %+v", got, r.Errors)
	}
}
