package integration

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const request = "GET /ws/raw?channel=x HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

// peer is a bare socket.
type peer struct {
	net.Conn
	r *bufio.Reader
}

func (s *server) connect() *peer {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return &peer{conn, bufio.NewReader(conn)}
}

// upgrade sends the handshake and returns the status; 0 where the server hung up without one.
func (p *peer) upgrade() int {
	_, _ = io.WriteString(p, request)
	resp, err := http.ReadResponse(p.r, nil)
	if err != nil {
		return 0
	}
	return resp.StatusCode
}

// alive publishes and wants every peer to get it.
func (s *server) alive(peers []*peer, text string) {
	s.t.Helper()
	resp, err := http.Post("http://"+s.addr+"/api/publish", "", strings.NewReader(fmt.Sprintf(`{"channel":"x","data":%q}`, text)))
	if err != nil {
		s.t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("publish: %s", resp.Status)
	}
	want := fmt.Sprintf("%q", text)
	frame := "\x81" + string(rune(len(want))) + want
	for i, p := range peers {
		got := make([]byte, len(frame))
		if _, err := io.ReadFull(p.r, got); err != nil || string(got) != frame {
			s.t.Fatalf("peer %d got %q, %v; want %q", i, got, err, frame)
		}
	}
}

// With 256 files the server refuses what is too much, keeps what it has, and accepts again when there is room.
func TestFewFiles(t *testing.T) {
	s := start(t, "ulimit -n 256;", "--ping-interval", "-1s")
	var in []*peer
	refused := map[int]int{}
	for range 400 {
		p := s.connect()
		if status := p.upgrade(); status == http.StatusSwitchingProtocols {
			in = append(in, p)
		} else {
			refused[status]++
			p.Close()
		}
	}
	if len(in) != 192 || refused[503] != 208 {
		t.Fatalf("%d got in, refused by status: %v; want 192, and 208 with 503", len(in), refused)
	}
	in[0].Close() // room for the request that publishes
	in = in[1:]
	eventually(t, "room for one", func() bool { return s.reachable() })
	s.alive(in, "kept")
	for _, p := range in[:100] {
		p.Close()
	}
	in = in[100:]
	eventually(t, "room again", func() bool {
		p := s.connect()
		if p.upgrade() != http.StatusSwitchingProtocols {
			p.Close()
			return false
		}
		in = append(in, p)
		return len(in) == 150
	})
	s.alive(in, "again")
	http.DefaultClient.CloseIdleConnections()
	for _, p := range in {
		p.Close()
	}
	s.stop()
}

// reachable reports whether an HTTP request is let in.
func (s *server) reachable() bool {
	resp, err := http.Get("http://" + s.addr + "/healthz")
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// 5,000 sockets that never finish the handshake are gone by the deadline, and harm nobody.
func TestUnfinishedHandshakes(t *testing.T) {
	s := start(t, "", "--handshake-timeout", "2s", "--ping-interval", "-1s")
	honest := []*peer{s.connect(), s.connect()}
	for _, p := range honest {
		if status := p.upgrade(); status != http.StatusSwitchingProtocols {
			t.Fatalf("status %d", status)
		}
	}
	var idle []*peer
	for i := range 5000 {
		p := s.connect()
		if i%2 == 0 {
			_, _ = io.WriteString(p, request[:len(request)/2])
		}
		idle = append(idle, p)
	}
	s.alive(honest, "among them")
	for i, p := range idle {
		rest, err := io.ReadAll(p.r)
		if err != nil || (i%2 == 0) != strings.HasPrefix(string(rest), "HTTP/1.1 408 ") {
			t.Fatalf("peer %d: %q, %v", i, rest, err)
		}
		p.Close()
	}
	http.DefaultClient.CloseIdleConnections()
	eventually(t, "only the honest left", func() bool {
		defer http.DefaultClient.CloseIdleConnections()
		return s.gauge("wsedge_connections") == 2
	})
	s.alive(honest, "unharmed")
	for _, p := range honest {
		p.Close()
	}
	s.stop()
}

func TestBadStarts(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	for _, tc := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"serve", "--addr", busy.Addr().String()}, 1, "address already in use"},
		{[]string{"serve", "--addr", "0.0.0.0:0"}, 2, "insecure-public"},
		{[]string{"serve", "--no-such-flag"}, 2, "no-such-flag"},
		{[]string{"serve", "--max-conns", "-5"}, 2, "connections"},
		{[]string{"nonsense"}, 2, "nonsense"},
		{nil, 2, "serve"},
	} {
		cmd := exec.Command(binary, tc.args...)
		out, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != tc.status || !strings.Contains(string(out), tc.says) {
			t.Errorf("wsedge %v: status %d, %q; want %d and %q", tc.args, got, out, tc.status, tc.says)
		}
	}
}
