package edge

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/reactor"
)

// addressLeft waits until nobody has a connection that counts.
func addressLeft(t *testing.T, s *Server) {
	t.Helper()
	eventually(t, "no address has connections", func() bool { return s.limiter.addresses.Keys() == 0 })
}

func TestConnectionsPerAddress(t *testing.T) {
	s := startServer(t, Config{Limits: Limits{ConnsPerAddress: 3}})
	kept := []*client{greet(t, s), greet(t, s), dial(t, s, "/ws/raw?channel=news", "")}
	for _, target := range []string{"/ws", "/ws/raw?channel=news"} {
		c := dialRaw(t, s, handshake(s, target, ""))
		if c.status() != "429" || !strings.Contains(c.head, "Retry-After: 5") {
			t.Errorf("%s: %s", target, c.head)
		}
	}
	// A handshake that fails takes no place.
	if c := dialRaw(t, s, handshake(s, "/nowhere", "")); c.status() != "404" {
		t.Errorf("%s", c.head)
	}
	if n := s.reactor.Stats().Refused["address_connections"]; n != 2 {
		t.Errorf("%d counted, want 2", n)
	}
	kept[0].idle()
	for _, c := range kept {
		c.conn.Close()
	}
	addressLeft(t, s)
	greet(t, s).idle()
}

// Every end of a connection gives its place back: 40 come and go in each way.
func TestPlacesOfAddressesAreGivenBack(t *testing.T) {
	s := startServer(t, Config{Limits: Limits{ConnsPerAddress: 2}, MaxChannels: 1})
	greet(t, s).subscribe("a")
	ends := map[string]func(){
		"a close handshake": func() {
			c := greet(t, s)
			c.write(frame.AppendMaskedFrame(nil, frame.OpClose, []byte{0x03, 0xe8}, maskKey))
			c.wantClose(frame.CloseNormal)
		},
		"a lost connection":    func() { greet(t, s).conn.Close() },
		"a breach of protocol": func() { c := greet(t, s); c.write([]byte{0xff, 0xff}); c.wantClose(frame.CloseProtocolError) },
		"a binary frame": func() {
			c := greet(t, s)
			c.write(frame.AppendMaskedFrame(nil, frame.OpBinary, nil, maskKey))
			c.hear()
		},
		"no room when it opens": func() { dial(t, s, "/ws/raw?channel=b", "").wantClose(frame.CloseTryAgainLater) },
	}
	for name, end := range ends {
		for range 8 {
			end()
			eventually(t, "after "+name+" one client is left", func() bool { return s.clients.count() <= 1 })
		}
	}
	key, _ := keyOf(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if n := s.limiter.addresses.Of(key); n != 1 {
		t.Errorf("%d places taken, want 1", n)
	}
}

// Behind a trusted proxy it is its client's address that counts; nobody else can claim one.
func TestForwardedAddressesCount(t *testing.T) {
	trusted, err := reactor.ParsePeers("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	s := startServer(t, Config{Limits: Limits{ConnsPerAddress: 1}, TrustedProxies: trusted})
	from := func(addr string) string { return "X-Forwarded-For: " + addr + "\r\n" }
	for _, row := range []struct{ lines, status string }{
		{from("192.0.2.1"), "101"},
		{from("192.0.2.1"), "429"},
		{from("203.0.113.9, 192.0.2.1"), "429"}, // what the client wrote itself
		{from("192.0.2.2"), "101"},
		{from("2001:db8::1"), "101"},
		{from("2001:db8::2"), "429"}, // of the same /64
		{from("2001:db8:0:1::1"), "101"},
		{"", "101"}, // the proxy's own
		{"", "429"},
	} {
		if c := dialRaw(t, s, handshake(s, "/ws", row.lines)); c.status() != row.status {
			t.Errorf("%q: %s, want %s", row.lines, c.head, row.status)
		}
	}
	plain := startServer(t, Config{Limits: Limits{ConnsPerAddress: 1}})
	greet(t, plain)
	if c := dialRaw(t, plain, handshake(plain, "/ws", from("192.0.2.7"))); c.status() != "429" {
		t.Errorf("a claimed address counts: %s", c.head)
	}
}

func TestAcceptRate(t *testing.T) {
	clock := newStillClock()
	s := startServer(t, Config{Limits: Limits{AcceptRate: 2}, now: clock.Now})
	for range 4 { // two seconds' worth
		greet(t, s)
	}
	c := dialRaw(t, s, handshake(s, "/ws", ""))
	if c.status() != "429" || !strings.Contains(c.head, "Retry-After: 1") {
		t.Errorf("above the rate: %s", c.head)
	}
	if n := s.reactor.Stats().Refused["accept_rate"]; n != 1 {
		t.Errorf("%d counted, want 1", n)
	}
	clock.pass(time.Second)
	greet(t, s)
	greet(t, s)
	if c := dialRaw(t, s, handshake(s, "/nowhere", "")); c.status() != "429" {
		t.Errorf("handshakes that would fail count: %s", c.head)
	}
}

func TestConnectionsPerUser(t *testing.T) {
	s := startServer(t, Config{Limits: Limits{ConnsPerUser: 2}})
	for i, want := range []bool{true, true, false} {
		if s.userConn("ann") != want {
			t.Errorf("connection %d of two: %v", i+1, !want)
		}
	}
	if !s.userConn("bob") {
		t.Error("one user pays for another")
	}
	s.userGone("ann")
	if !s.userConn("ann") {
		t.Error("no room after one has gone")
	}
	if n := limited(s, "user_connections"); n != 1 {
		t.Errorf("%d counted, want 1", n)
	}
	open := startServer(t, Config{})
	for range 100 {
		if !open.userConn("ann") {
			t.Fatal("refused without a limit")
		}
	}
	open.userGone("ann")
	if open.limiter.users.Keys() != 0 {
		t.Error("counted without a limit")
	}
}

// Peers without an address are nobody's: they are not taken for one client.
func TestKeyOf(t *testing.T) {
	for _, address := range []net.Addr{nil, &net.UnixAddr{Name: "@"}, (*net.TCPAddr)(nil), &net.TCPAddr{}} {
		if key, ok := keyOf(address); ok {
			t.Errorf("%v: %v", address, key)
		}
	}
	for d, want := range map[time.Duration]int{0: 1, time.Nanosecond: 1, time.Second: 1, time.Second + 1: 2} {
		if got := seconds(d); got != want {
			t.Errorf("%v: %d s, want %d", d, got, want)
		}
	}
}
