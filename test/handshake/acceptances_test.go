package handshake

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/reactor"
)

// acceptance is a request that gets a WebSocket; header is the lines beside the usual ones in its 101.
type acceptance struct {
	id, request string
	header      []string
}

var acceptances = []acceptance{
	{"HS-6/list", with("websocket", "foo, websocket"), nil},
	{"HS-6/case", with("websocket", "WebSocket"), nil},
	{"HS-6/two lines", plus("Upgrade: foo"), nil},
	{"HS-6/two lines, second", with(upgradeLine, "Upgrade: foo/2\r\nUpgrade: websocket\r\n"), nil},
	{"HS-8/list", with("Connection: Upgrade", "Connection: keep-alive, UPGRADE"), nil},
	{"HS-8/two lines", with(connectionLine, "Connection: keep-alive\r\nConnection:upgrade\r\n"), nil},
	{"HS-8/empty members", with("Connection: Upgrade", "Connection: ,, upgrade ,"), nil},
	{"HS-8/names in capitals", strings.Replace(upgrade, keyLine, strings.ToUpper("Sec-WebSocket-Key")+": "+keyValue+"\r\n", 1), nil},
	{"HS-8/whitespace around values", with("Host: here.example", "Host:\t here.example \t"), nil},
	{"HS-14/IPv6", with("here.example", "[::1]:80"), nil},
	{"HS-14/port", with("here.example", "here.example:65535"), nil},
	{"HS-15/absolute", with("/chat", "http://h/chat"), nil},
	{"HS-15/absolute, capitals, no path", with("/chat", "HTTP://H:80"), nil},
	{"HS-16/query", with("/chat", "/chat?a=100%&b=?/"), nil},
	{"HS-20/obs-text", plus("A: \x80\xFF"), nil},
	{"HS-20/tab", plus("A: b\tc"), nil},
	{"HS-20/empty", plus("A:"), nil},
	{"HS-21/no body", plus("Content-Length: 0"), nil},
	{"HS-24/Trailer, TE", plus("Trailer: X", "TE: trailers, deflate;q=0.5"), nil},
	{"HS-25/64 headers", plus(strings.TrimSuffix(manyLines(59), "\r\n")), nil},
	{"HS-25/8192 bytes", headOf(8192), nil},
	{"HS-25/a line of 4096 bytes", with("/chat", "/"+strings.Repeat("a", 4096-len("GET / HTTP/1.1"))), nil},

	{"HS-31/none offered", upgrade, nil},
	{"HS-31/one", plus("Sec-WebSocket-Protocol: chat"), []string{"Sec-WebSocket-Protocol: chat"}},
	{"HS-31/list", plus("Sec-WebSocket-Protocol: chat, superchat"), []string{"Sec-WebSocket-Protocol: chat"}},
	{"HS-31/several lines", plus("Sec-WebSocket-Protocol: b", "Sec-WebSocket-Protocol: a"), []string{"Sec-WebSocket-Protocol: b"}},
	{"HS-31/differ in case", plus("Sec-WebSocket-Protocol: A, a"), []string{"Sec-WebSocket-Protocol: A"}},
	{"HS-31/whitespace", plus("Sec-WebSocket-Protocol:\t  v1.x \t,v2"), []string{"Sec-WebSocket-Protocol: v1.x"}},
	{"HS-31/every octet of a token", plus("Sec-WebSocket-Protocol: " + tokenOctets), []string{"Sec-WebSocket-Protocol: " + tokenOctets}},
	{"HS-31/100 items", plus("Sec-WebSocket-Protocol: " + subprotocols(100)), []string{"Sec-WebSocket-Protocol: p0"}},

	{"HS-32/unknown", plus("Sec-WebSocket-Extensions: x-unknown; a=1; b"), nil},
	{"HS-32/quoted value", plus(`Sec-WebSocket-Extensions: x-unknown; a="1"; b="\2"`), nil},
	{"HS-32/several lines", plus("Sec-WebSocket-Extensions: a", "Sec-WebSocket-Extensions: b; c=d"), nil},
	{"HS-32/one line empty", plus("Sec-WebSocket-Extensions:", "Sec-WebSocket-Extensions: b"), nil},
	{"HS-32/empty members", plus("Sec-WebSocket-Extensions: ,a,,b ,"), nil},
	{"HS-32/100 offers", plus("Sec-WebSocket-Extensions: " + strings.TrimSuffix(strings.Repeat("x; a=1, ", 100), ", ")), nil},
	{"HS-34/key of RFC 6455", upgrade, nil},
	{"HS-34/whitespace around the key", with(keyValue, "\t "+keyValue+" \t"), nil},
}

// firstOffered chooses what the client would like best.
func firstOffered(_ *reactor.Conn, r *frame.Request) (reactor.Accept, error) {
	for offered := range r.Subprotocols() {
		return reactor.Accept{Subprotocol: offered}, nil
	}
	return reactor.Accept{}, nil
}

func TestAcceptances(t *testing.T) {
	s := serve(t, reactor.Config{Upgrade: firstOffered})
	for _, row := range acceptances {
		t.Run(row.id, func(t *testing.T) {
			t.Parallel()
			p := connect(t, s.Addr())
			p.write(row.request)
			p.wantSwitch(row.header...)
			p.wantEcho()
		})
	}
}

// HS-34: a subprotocol that would smuggle something into the head is left out, whoever chose it.
func TestNothingIsInjected(t *testing.T) {
	for i, bad := range []string{"a\r\nSet-Cookie: b", "a\nb", "a\rb", "a b", "a,b", "a\x00", "\xE4", " a", "a: b", `"a"`} {
		t.Run(fmt.Sprintf("HS-34/%d", i), func(t *testing.T) {
			t.Parallel()
			s := serve(t, reactor.Config{Upgrade: func(*reactor.Conn, *frame.Request) (reactor.Accept, error) {
				return reactor.Accept{Subprotocol: bad}, nil
			}})
			p := connect(t, s.Addr())
			p.write(upgrade)
			p.wantSwitch()
			p.wantEcho()
		})
	}
}

// HS-15: the host of the target wins over the Host header. It is seen by whose origin is the server's own.
func TestTargetHostWins(t *testing.T) {
	s := serve(t, reactor.Config{})
	absolute := func(origin string) string {
		return strings.Replace(plus("Origin: "+origin), "/chat", "http://target.example/chat", 1)
	}
	p := connect(t, s.Addr())
	p.write(absolute("http://target.example"))
	p.wantSwitch()
	p.wantEcho()
	p = connect(t, s.Addr())
	p.write(absolute("http://here.example") + behind)
	p.wantRefusal("403 origin", false)
}

// HS-28: behind an accepted handshake there is no HTTP any more.
func TestSecondRequestIsNoRequest(t *testing.T) {
	s := serve(t, reactor.Config{})
	for id, second := range map[string]string{
		"HS-28/plain":    behind,
		"HS-28/upgrade":  upgrade,
		"HS-28/POST":     "POST /api/publish HTTP/1.1\r\nHost: here.example\r\nContent-Length: 2\r\n\r\n{}",
		"HS-28/new line": "\r\n" + behind,
	} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			p := connect(t, s.Addr())
			p.write(upgrade + second)
			p.wantSwitch()
			p.wantViolation()
		})
		t.Run(id+", later", func(t *testing.T) {
			t.Parallel()
			p := connect(t, s.Addr())
			p.write(upgrade)
			p.wantSwitch()
			p.write(second)
			p.wantViolation()
		})
	}
}

// subprotocols is a list of n different ones.
func subprotocols(n int) string {
	var list strings.Builder
	for i := range n {
		if i > 0 {
			list.WriteString(", ")
		}
		fmt.Fprintf(&list, "p%d", i)
	}
	return list.String()
}
