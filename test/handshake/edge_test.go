package handshake

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/echo"
	"github.com/wsedge/wsedge/internal/edge"
)

// serveEdge runs the whole push server, with its HTTP handler.
func serveEdge(t *testing.T, cfg edge.Config) net.Addr {
	t.Helper()
	cfg.Addr, cfg.Logger, cfg.PingInterval = "127.0.0.1:0", quiet, -1
	s, err := edge.Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := s.Wait(); err != nil {
			t.Errorf("wait: %v", err)
		}
	})
	return s.Addr()
}

// at is the handshake, with a host that the push server is served under, for a target, with more header lines.
func at(target string, lines ...string) string {
	request := upgrade
	if len(lines) > 0 {
		request = plus(lines...)
	}
	return strings.NewReplacer("/chat", target, "here.example", "localhost").Replace(request)
}

// edgeRefusals are rows for the whole server. Where the handshake also says keep-alive, nothing is kept (HS-37).
var edgeRefusals = []refusal{
	{"HS-36/root", at("/"), "404 not_found"},
	{"HS-36/unknown", at("/nowhere"), "404 not_found"},
	{"HS-36/slash behind", at("/ws/"), "404 not_found"},
	{"HS-36/case", at("/WS"), "404 not_found"},
	{"HS-36/escape", at("/%77s"), "404 not_found"},
	{"HS-36/escaped slash", at("/ws%2Fraw?channel=news"), "404 not_found"},
	{"HS-36/escaped NUL", at("/ws%00"), "404 not_found"},
	{"HS-36/two slashes", at("//ws"), "404 not_found"},
	{"HS-36/dot", at("/./ws"), "404 not_found"},
	{"HS-36/dots", at("/api/../ws"), "404 not_found"},
	{"HS-36/escaped dots", at("/%2e%2e/ws"), "404 not_found"},
	{"HS-36/parameter", at("/ws;a=b"), "404 not_found"},
	{"HS-36/page", at("/healthz"), "404 not_found"},
	{"HS-36/API", at("/api/publish"), "404 not_found"},
	{"HS-36/backslash", at(`\ws`), "400 target"},

	{"HS-37/404", at("/nowhere", "Connection: keep-alive", "Keep-Alive: timeout=60"), "404 not_found"},
	{"HS-37/400", at("/ws", "Connection: keep-alive", "Sec-WebSocket-Key: "+keyValue), "400 websocket_key"},
	{"HS-37/403, origin", at("/ws", "Connection: keep-alive", "Origin: http://evil.example"), "403 origin"},
	{"HS-37/403, host", strings.Replace(at("/ws", "Connection: keep-alive"), "localhost", "evil.example", 1), "403 foreign_host"},
	{"HS-37/405", strings.Replace(at("/ws", "Connection: keep-alive"), "GET", "POST", 1), "405 method_not_get"},
	{"HS-37/417", at("/ws", "Connection: keep-alive", "Expect: 100-continue"), "417 expect_with_upgrade"},
	{"HS-37/426", strings.Replace(at("/ws", "Connection: keep-alive"), ": 13", ": 8", 1), "426 websocket_version"},
	{"HS-37/431", at("/ws", "Connection: keep-alive", strings.TrimSuffix(manyLines(100), "\r\n")), "431 too_many_headers"},
	{"HS-37/raw, no channel", at("/ws/raw", "Connection: keep-alive"), "400 channel_missing"},

	{"HS-5/missing", strings.Replace(at("/ws"), upgradeLine, "", 1), "426 upgrade_required"},
	{"HS-5/h2c", strings.Replace(at("/ws"), "websocket", "h2c", 1), "426 upgrade_required"},
	{"HS-5/raw", strings.Replace(at("/ws/raw?channel=news"), upgradeLine, "", 1), "426 upgrade_required"},
	{"HS-14/no Host", strings.Replace(at("/ws"), "Host: localhost\r\n", "", 1), "400 host"},
	{"HS-35/TLS", clientHello(), "400 control_byte"},
	{"HS-4/preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 http_version"},
}

func TestEdgeRefusals(t *testing.T) {
	addr := serveEdge(t, edge.Config{})
	for _, row := range edgeRefusals {
		t.Run(row.id, func(t *testing.T) {
			t.Parallel()
			p := connect(t, addr)
			p.write(row.request + strings.Replace(behind, "here.example", "localhost", 1))
			p.wantRefusal(row.want, false)
		})
	}
}

var edgeAcceptances = []acceptance{
	{"HS-36/path", at("/ws"), nil},
	{"HS-36/query", at("/ws?a=b"), nil},
	{"HS-36/empty query", at("/ws?"), nil},
	{"HS-15/absolute", at("http://localhost/ws"), nil},
	{"HS-31/native", at("/ws", "Sec-WebSocket-Protocol: wsedge.v1"), []string{"Sec-WebSocket-Protocol: wsedge.v1"}},
	{"HS-31/native behind others", at("/ws", "Sec-WebSocket-Protocol: a, b", "Sec-WebSocket-Protocol: wsedge.v1"),
		[]string{"Sec-WebSocket-Protocol: wsedge.v1"}},
	{"HS-31/others", at("/ws", "Sec-WebSocket-Protocol: a, wsedge.v2"), nil},
	{"HS-31/case", at("/ws", "Sec-WebSocket-Protocol: WSEDGE.V1"), nil},
	{"HS-33/absent", at("/ws"), nil},
	{"HS-33/own", at("/ws", "Origin: http://localhost"), nil},
}

func TestEdgeAcceptances(t *testing.T) {
	addr := serveEdge(t, edge.Config{})
	for _, row := range edgeAcceptances {
		t.Run(row.id, func(t *testing.T) {
			t.Parallel()
			p := connect(t, addr)
			p.write(row.request)
			p.wantSwitch(row.header...)
			if b, err := p.r.Peek(1); err != nil || b[0] != 0x81 {
				t.Errorf("behind the 101: %x %v, want a text frame with the welcome", b, err)
			}
		})
	}
}

// HS-27 for the whole server: a command in the segment of the handshake is carried out, behind the welcome.
func TestEdgeEagerCommand(t *testing.T) {
	t.Parallel()
	addr := serveEdge(t, edge.Config{})
	p := connect(t, addr)
	p.write(at("/ws") + masked(frame.OpText, `{"type":"ping","id":5}`))
	p.wantSwitch()
	header := make([]byte, 2)
	if _, err := io.ReadFull(p.r, header); err != nil || header[0] != 0x81 || header[1] > 125 {
		t.Fatalf("% x %v, want a short text frame", header, err)
	}
	welcome := make([]byte, header[1])
	if _, err := io.ReadFull(p.r, welcome); err != nil || !strings.HasPrefix(string(welcome), `{"type":"welcome",`) {
		t.Fatalf("%q %v, want a welcome", welcome, err)
	}
	p.wantBytes("\x81\x16" + `{"type":"pong","id":5}`)
}

// HS-29 for the whole server, whose handshakes and requests of plain HTTP begin alike.
func TestEdgeDeadline(t *testing.T) {
	t.Parallel()
	addr := serveEdge(t, edge.Config{HandshakeTimeout: 2 * time.Second}) // long for a client to say its part
	silent, partial := connect(t, addr), connect(t, addr)
	partial.write(requestLine)
	partial.wantRefusal("408 handshake_timeout", false)
	silent.wantEnd()
}

// HS-33: the echo server, which conformance suites talk to, lets every origin in and nothing else through.
func TestEchoServer(t *testing.T) {
	t.Parallel()
	s, err := echo.Listen(echo.Config{Addr: "127.0.0.1:0", Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	p := connect(t, s.Addr())
	p.write(plus("Origin: http://anywhere.example"))
	p.wantSwitch()
	p.wantEcho()
	p.Close()
	p = connect(t, s.Addr())
	p.write(with(keyLine, "") + behind)
	p.wantRefusal("400 websocket_key", false)
	p.Close()
}

// HS-37: requests of plain HTTP may follow each other, but nothing follows a refused handshake, wherever in the row it stands.
func TestRefusalBehindRequests(t *testing.T) {
	t.Parallel()
	addr := serveEdge(t, edge.Config{})
	health := strings.Replace(behind, "here.example", "localhost", 1)
	p := connect(t, addr)
	p.write(health + health + strings.Replace(at("/ws"), ": 13", ": 8", 1) + health)
	for range 2 {
		if answer := p.reply(false); answer.status != 200 || answer.content != "ok\n" {
			t.Fatalf("health: %+v", answer)
		}
	}
	p.wantRefusal("426 websocket_version", false)
}

// A good handshake is as good behind requests on the same connection, in one segment or later: the connection, which net/http
// has by then, goes back into a loop.
func TestUpgradeBehindRequests(t *testing.T) {
	addr := serveEdge(t, edge.Config{MaxConns: 2 * len(edgeAcceptances)}) // each has one place, never two
	health := strings.Replace(behind, "here.example", "localhost", 1)
	for _, row := range edgeAcceptances {
		for _, pipelined := range []bool{false, true} {
			p := connect(t, addr)
			if pipelined {
				p.write(health + health + row.request + masked(frame.OpPing, "!"))
			} else {
				p.write(health + health)
			}
			for range 2 {
				if answer := p.reply(false); answer.status != 200 || answer.content != "ok\n" {
					t.Fatalf("health: %+v", answer)
				}
			}
			if !pipelined {
				p.write(row.request + masked(frame.OpPing, "!"))
			}
			p.wantSwitch(row.header...)
			header := make([]byte, 2)
			if _, err := io.ReadFull(p.r, header); err != nil || header[0] != 0x81 || header[1] > 125 {
				t.Fatalf("%s: % x %v, want the welcome", row.id, header, err)
			}
			if _, err := p.r.Discard(int(header[1])); err != nil {
				t.Fatal(err)
			}
			p.wantBytes("\x8a\x01!")
		}
	}
}
