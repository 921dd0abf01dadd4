package edge

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/limit"
	"github.com/wsedge/wsedge/reactor"
)

// addressLeft waits until nobody has a connection that counts.
func addressLeft(t *testing.T, s *Server) {
	t.Helper()
	for deadline := time.Now().Add(patience); s.limiter.addresses.Keys() > 0; {
		if time.Now().After(deadline) {
			t.Fatalf("%d addresses still have connections", s.limiter.addresses.Keys())
		}
		time.Sleep(time.Millisecond)
	}
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
			for deadline := time.Now().Add(patience); s.clients.count() > 1; {
				if time.Now().After(deadline) {
					t.Fatalf("after %s: %d clients", name, s.clients.count())
				}
				time.Sleep(time.Millisecond)
			}
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
	clock := newTestClock()
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

// wantPlaces waits until so many places of the user are taken.
func wantPlaces(t *testing.T, s *Server, user string, want int) {
	t.Helper()
	for deadline := time.Now().Add(patience); s.limiter.users.Of(limit.NameKey(user)) != want; {
		if time.Now().After(deadline) {
			t.Fatalf("%d places of %s are taken, want %d", s.limiter.users.Of(limit.NameKey(user)), user, want)
		}
		time.Sleep(time.Millisecond)
	}
}

// TestConnectionsPerUser: the place is taken when the user is known, in whatever way, and once; it is given back once.
func TestConnectionsPerUser(t *testing.T) {
	cfg := authConfig()
	cfg.Auth.Anonymous = true
	cfg.Limits.ConnsPerUser = 2
	s := startServer(t, cfg)
	token, now := mint(t, time.Now(), nil), time.Now()
	first := greetWith(t, s, token)
	first.say(`{"type":"refresh","id":1,"token":"` + token + `"}`)
	first.want(`{"type":"refreshed","id":1,*}`)
	second := dial(t, s, "/ws", "")
	second.want(`{"type":"welcome",*}`)
	connect := `{"type":"connect","id":1,"token":"` + token + `"}`
	second.say(connect)
	second.want(`{"type":"welcome","id":1,*"user":"ann",*}`)

	dial(t, s, "/ws?token="+token, "").wantGoodbye(native.CloseConnLimit, "user_connections")
	late := dial(t, s, "/ws", "")
	late.want(`{"type":"welcome",*}`)
	late.say(connect, `{"type":"subscribe","channel":"open:1"}`)
	late.wantGoodbye(native.CloseConnLimit, "user_connections")
	if r := dialRaw(t, s, handshake(s, "/ws/raw?channel=open:1&token="+token, "")); r.status() != "429" || !strings.Contains(r.head, "Retry-After: 5") {
		t.Errorf("raw: %s", r.head)
	}
	if n := limited(s, "user_connections"); n != 2 {
		t.Errorf("%d counted, want 2", n)
	}
	greetWith(t, s, mint(t, now, map[string]any{"sub": "bob"}))
	for range 3 { // without a user nobody is counted
		greetWith(t, s, mint(t, now, map[string]any{"sub": nil}))
	}

	_ = first.conn.Close()
	wantPlaces(t, s, "ann", 1)
	raw := dial(t, s, "/ws/raw?channel=open:1&token="+token, "")
	dial(t, s, "/ws?token="+token, "").wantGoodbye(native.CloseConnLimit, "user_connections")
	_ = raw.conn.Close()
	_ = second.conn.Close()
	wantPlaces(t, s, "ann", 0)
}

// TestAddressRefusalTakesNoUsersPlace: who is refused for the address has not taken the user's place, and the other way round.
func TestAddressRefusalTakesNoUsersPlace(t *testing.T) {
	cfg := authConfig()
	cfg.Limits.ConnsPerUser, cfg.Limits.ConnsPerAddress = 1, 2
	s := startServer(t, cfg)
	raw := func(user string) string {
		return dialRaw(t, s, handshake(s, "/ws/raw?channel=open:1&token="+mint(t, time.Now(), map[string]any{"sub": user}), "")).status()
	}
	for i, want := range []struct{ user, status string }{{"ann", "101"}, {"ann", "429"}, {"ann", "429"}, {"bob", "101"}, {"cid", "429"}} {
		if got := raw(want.user); got != want.status {
			t.Errorf("%d: %s for %s, want %s", i, got, want.user, want.status)
		}
	}
	if n := s.limiter.users.Of(limit.NameKey("cid")); n != 0 {
		t.Errorf("cid has %d places", n)
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
