package edge

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/wsedge/wsedge/frame"
)

func TestUpgradesThatAreRefused(t *testing.T) {
	s := startServer(t, Config{})
	own := origin(s)
	for _, row := range []struct{ target, lines, status string }{
		{"/", "", "404"},
		{"/api/publish", "", "404"},
		{"/ws/", "", "404"},
		{"/ws/raw", "", "400"},
		{"/ws/raw?channel=", "", "400"},
		{"/ws/raw?channel=a%20b", "", "400"},
		{"/ws/raw?channel=a%zz", "", "400"},
		{"/ws", "Origin: " + own + "\r\n", "101"},
		{"/ws", "Origin: http://evil.example\r\n", "403"},
		{"/ws", "Origin: null\r\n", "403"},
		{"/ws/raw?channel=news", "Origin: http://evil.example\r\n", "403"},
		{"/ws?token=ignored", "", "101"},
	} {
		if c := dialRaw(t, s, handshake(s, row.target, row.lines)); c.status() != row.status {
			t.Errorf("%s %q: %s, want %s", row.target, row.lines, c.head, row.status)
		}
	}
	rebound := strings.Replace(handshake(s, "/ws", "Origin: http://rebound.example\r\n"), "Host: "+s.Addr().String(), "Host: rebound.example", 1)
	if c := dialRaw(t, s, rebound); c.status() != "403" {
		t.Errorf("a rebound name: %s", c.head)
	}
}

func TestOriginsOfOtherPages(t *testing.T) {
	s := startServer(t, Config{Origins: []string{"https://app.example"}})
	for from, status := range map[string]string{
		"https://app.example": "101", "http://app.example": "403", "https://app.example:8443": "403", "https://evil.example": "403", origin(s): "101",
	} {
		if c := dialRaw(t, s, handshake(s, "/ws", "Origin: "+from+"\r\n")); c.status() != status {
			t.Errorf("%s: %s, want %s", from, c.head, status)
		}
	}
	if status, _ := call(t, s, "POST", "/api/publish", `{"channel":"news","data":1}`, map[string]string{"Origin": "https://app.example"}); status != 403 {
		t.Errorf("the page publishes by the API: %d", status)
	}
	good := Config{Origins: []string{"*", "https://a.example:8443", "capacitor://localhost", "http://[::1]:3000"}}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", "app.example", "https://app.example/", "https://App.example", "https://*.example", "https://u@a.example", "null"} {
		if err := (Config{Origins: []string{bad}}).Check(); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestRawConversation(t *testing.T) {
	s := startServer(t, Config{})
	c := dial(t, s, "/ws/raw?channel=news&channel=user%2342", "Sec-WebSocket-Protocol: wsedge.v1\r\n")
	if strings.Contains(strings.ToLower(c.head), "sec-websocket-protocol") {
		t.Errorf("raw chose a subprotocol: %s", c.head)
	}
	c.say("whatever", "{") // of no interest
	post(t, s, "/api/publish", `{"channel":"user#42","data": {"a" : "é"} }`)
	c.want(`{"a" : "é"}`)
	post(t, s, "/api/publish", "{\"channel\":\"news\",\"data\":[1,\n2]}")
	c.want("[1,\n2]")
	post(t, s, "/api/publish", `{"channel":"other","data":1}`)
	post(t, s, "/api/publish", `{"channel":"news","data":"last"}`)
	c.want(`"last"`)
	c.write(frame.AppendMaskedFrame(nil, frame.OpClose, []byte{0x03, 0xe8}, maskKey))
	c.wantClose(frame.CloseNormal)
}

func TestRawWithoutRoomForItsChannels(t *testing.T) {
	s := startServer(t, Config{MaxChannels: 1})
	c := dial(t, s, "/ws/raw?channel=a&channel=b", "")
	c.wantClose(frame.CloseTryAgainLater)
}

// TestSessionSize holds the sum behind the memory of an idle session: see session.
func TestSessionSize(t *testing.T) {
	if size := unsafe.Sizeof(session{}); size > 64 {
		t.Errorf("a session is %d B, want at most 64", size)
	}
	if size := unsafe.Sizeof(clientSlot{}); size > 16 {
		t.Errorf("a slot is %d B, want at most 16", size)
	}
}

// The bound of a head is that of the first request and of later ones on a connection, which net/http reads and gives some KiB more.
func TestHeadIsBounded(t *testing.T) {
	s := startServer(t, Config{MaxHeadBytes: 2 << 10})
	long := func(bytes int) string { return "X-Long: " + strings.Repeat("x", bytes) + "\r\n" }
	for _, row := range []struct{ target, lines, status, reason string }{
		{"/ws", long(1700), "101", ""}, {"/ws", long(2 << 10), "431", "head_too_big"}, {"/ws?token=" + strings.Repeat("x", 1<<10), "", "414", "request_line_too_long"},
	} {
		before := s.reactor.Stats().Refused[row.reason]
		if c := dialRaw(t, s, handshake(s, row.target, row.lines)); c.status() != row.status {
			t.Errorf("%+.60v: %s", row, c.head)
		}
		if n := s.reactor.Stats().Refused[row.reason] - before; row.reason != "" && n != 1 {
			t.Errorf("%s counted %d times", row.reason, n)
		}
	}
	get := "GET /healthz HTTP/1.1\r\nHost: " + s.Addr().String() + "\r\n"
	c := dialRaw(t, s, get+"\r\n")
	if c.status() != "200" {
		t.Fatal(c.head)
	}
	c.write([]byte(get + long(10<<10) + "\r\n"))
	if rest := c.hearRest(); !strings.Contains(rest, "HTTP/1.1 431 ") {
		t.Errorf("a later head: %q", rest)
	}
}
