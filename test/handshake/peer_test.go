package handshake

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// peer is the other end of a server's socket.
type peer struct {
	t testing.TB
	*net.TCPConn
	r *bufio.Reader
}

func connect(t testing.TB, addr net.Addr) *peer {
	t.Helper()
	conn, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return &peer{t: t, TCPConn: conn.(*net.TCPConn), r: bufio.NewReader(conn)}
}

func (p *peer) write(s string) {
	p.t.Helper()
	if _, err := io.WriteString(p, s); err != nil {
		p.t.Fatalf("write: %v", err)
	}
}

func (p *peer) reply(bodiless bool) reply {
	p.t.Helper()
	answer, err := readReply(p.r, bodiless)
	if err != nil {
		p.t.Fatalf("answer %+v: %v", answer, err)
	}
	return answer
}

// wantEnd wants the server to have no more to say.
func (p *peer) wantEnd() {
	p.t.Helper()
	if _, err := p.r.Peek(1); err != io.EOF {
		rest, _ := p.r.Peek(p.r.Buffered())
		p.t.Fatalf("behind the answer: %q, %v; want the end", rest, err)
	}
}

// wantRefusal reads a refusal and the end. want is its status and reason, such as "400 host". Each header line must be one of
// those that the status calls for: nothing else belongs there, least of all what the client sent.
func (p *peer) wantRefusal(want string, bodiless bool) {
	p.t.Helper()
	answer := p.reply(bodiless)
	got := fmt.Sprintf("%d %s", answer.status, strings.TrimSuffix(answer.content, "\n"))
	if status, _, _ := strings.Cut(want, " "); bodiless {
		want = status + " "
	}
	if got != want {
		p.t.Errorf("answer %q, want %q", got, want)
	}
	if !bodiless && !regexp.MustCompile(`^[a-z_]+\n$`).MatchString(answer.content) {
		p.t.Errorf("content %q is no reason", answer.content)
	}
	if !answer.has("Connection", "close") {
		p.t.Errorf("no Connection: close in %q", answer.lines)
	}
	for _, line := range mustHave[answer.status] {
		name, value, _ := strings.Cut(line, ": ")
		if !answer.has(name, value) {
			p.t.Errorf("no %s in %q", line, answer.lines)
		}
	}
	dated := false
	for _, line := range answer.lines {
		same := func(other string) bool { return strings.EqualFold(line, other) }
		if !mayHave.MatchString(line) && !slices.ContainsFunc(mustHave[answer.status], same) && !same(mayOffer[answer.status]) {
			p.t.Errorf("%q does not belong to a %d", line, answer.status)
		}
		if date, ok := strings.CutPrefix(line, "Date: "); ok {
			_, err := time.Parse(http.TimeFormat, date)
			dated = err == nil
		}
	}
	if !dated { // RFC 9110, section 6.6.1
		p.t.Errorf("no Date in %q", answer.lines)
	}
	p.wantEnd()
}

var (
	// mustHave is what a status calls for: RFC 9110, sections 15.5.6 and 15.5.22; 7.8 for the connection option.
	mustHave = map[int][]string{
		405: {"Allow: GET"},
		426: {"Upgrade: websocket", "Connection: Upgrade"},
	}
	// mayOffer: RFC 6455, section 4.4.
	mayOffer = map[int]string{426: "Sec-WebSocket-Version: 13"}
	mayHave  = regexp.MustCompile(`^(Connection: close|Content-Type: text/plain; charset=utf-8|Content-Length: \d+|Date: [ -~]+)$`)
)

// wantSwitch reads a 101 and wants these header lines in it, and no other.
func (p *peer) wantSwitch(more ...string) {
	p.t.Helper()
	answer := p.reply(false)
	want := append([]string{"Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: " + accept}, more...)
	slices.Sort(want)
	slices.Sort(answer.lines)
	if answer.status != 101 || !slices.Equal(answer.lines, want) {
		p.t.Fatalf("%d %q %q, want a 101 with %q", answer.status, answer.lines, answer.content, want)
	}
}

// mask is for the frames of a client.
var mask = [4]byte{0x37, 0xfa, 0x21, 0x3d}

// masked is a frame of a client, whole and final.
func masked(op frame.Opcode, payload string) string {
	return string(frame.AppendMaskedFrame(nil, op, []byte(payload), mask))
}

// wantBytes wants exactly these to come next.
func (p *peer) wantBytes(want string) {
	p.t.Helper()
	got := make([]byte, len(want))
	n, err := io.ReadFull(p.r, got)
	if string(got[:n]) != want {
		p.t.Fatalf("%q came, %v, want %q", got[:n], err, want)
	}
}

// wantEcho wants a WebSocket that works, and closes it.
func (p *peer) wantEcho() {
	p.t.Helper()
	p.write(masked(frame.OpText, "alive"))
	p.wantBytes("\x81\x05alive")
	p.write(masked(frame.OpClose, "\x03\xe8"))
	p.wantBytes("\x88\x02\x03\xe8")
	p.wantEnd()
}

// wantViolation wants a close frame with 1002, and the end.
func (p *peer) wantViolation() {
	p.t.Helper()
	header := make([]byte, 4)
	if _, err := io.ReadFull(p.r, header); err != nil {
		p.t.Fatal(err)
	}
	if header[0] != 0x88 || header[1] < 2 || header[1] > 125 || string(header[2:]) != "\x03\xea" {
		p.t.Fatalf("% x, want a close frame with 1002", header)
	}
	reason := make([]byte, header[1]-2)
	if _, err := io.ReadFull(p.r, reason); err != nil || strings.Trim(string(reason), "abcdefghijklmnopqrstuvwxyz_") != "" {
		p.t.Errorf("reason %q, %v", reason, err)
	}
	p.wantEnd()
}
