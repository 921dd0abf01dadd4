package reactor

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func mustPeers(t testing.TB, list string) Peers {
	t.Helper()
	p, err := ParsePeers(list)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestParsePeers(t *testing.T) {
	for list, want := range map[string]string{
		"10.0.0.0/8":                    "10.0.0.0/8",
		"10.1.2.3":                      "10.1.2.3/32",
		"2001:db8::1":                   "2001:db8::1/128",
		"::ffff:10.1.2.3":               "10.1.2.3/32",
		"unix":                          "unix",
		"unix, 10.0.0.0/8 ,fd00::/8":    "10.0.0.0/8,fd00::/8,unix",
		"":                              "",
		"10.0.0.0/33":                   "",
		"10.0.0.1/8":                    "",
		"::ffff:10.0.0.0/104":           "",
		"fe80::1%eth0":                  "",
		"proxy.example":                 "",
		"10.0.0.0/8,":                   "",
		"10.0.0.0/8 192.168.0.0/16":     "",
		"0.0.0.0/0,::/0":                "0.0.0.0/0,::/0",
		"10.0.0.0/8,10.0.0.1:80":        "",
		"/run/proxy.sock":               "",
		"127.0.0.1,127.0.0.2,127.0.0.3": "127.0.0.1/32,127.0.0.2/32,127.0.0.3/32",
	} {
		p, err := ParsePeers(list)
		if (err != nil) != (want == "") || err == nil && p.String() != want {
			t.Errorf("%q: %v, %v; want %q", list, p, err, want)
		}
	}
}

func TestConfigChecksPeers(t *testing.T) {
	bad := Peers{Networks: []netip.Prefix{netip.MustParsePrefix("::ffff:10.0.0.0/104")}}
	_, err := New(Config{Addr: "unix:@abstract", Handler: echo, ProxyProtocol: bad, TrustedProxies: Peers{Networks: make([]netip.Prefix, 1)}, SocketMode: 1 << 20})
	for _, field := range []string{"Addr", "abstract", "ProxyProtocol", "TrustedProxies", "SocketMode"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s is not named in: %v", field, err)
		}
	}
}

func TestPeersContain(t *testing.T) {
	p := mustPeers(t, "10.0.0.0/8,fe80::/10")
	for _, row := range []struct {
		addr net.Addr
		want bool
	}{
		{&net.TCPAddr{IP: net.IPv4(10, 1, 2, 3).To4()}, true},
		{&net.TCPAddr{IP: net.IPv4(10, 1, 2, 3).To16()}, true},
		{&net.TCPAddr{IP: net.ParseIP("fe80::1"), Zone: "eth0"}, true},
		{&net.TCPAddr{IP: net.IPv4(11, 1, 2, 3)}, false},
		{&net.TCPAddr{}, false},
		{&net.UnixAddr{Name: "@"}, false},
		{nil, false},
	} {
		if p.contains(row.addr) != row.want {
			t.Errorf("%v: not %v", row.addr, row.want)
		}
	}
	if unix := mustPeers(t, "unix"); !unix.contains(&net.UnixAddr{}) || unix.contains(&net.TCPAddr{IP: net.IPv4(10, 0, 0, 1)}) {
		t.Error("unix is not Unix")
	}
}

// walks are lists of X-Forwarded-For, and what a trusted proxy of 10.0.0.0/8 or fd00::/8 says by them; "": nothing.
var walks = []struct {
	lines []string
	want  string
}{
	{nil, ""},
	{[]string{""}, ""},
	{[]string{"198.51.100.1"}, "198.51.100.1:0"},
	{[]string{"198.51.100.1:4711"}, "198.51.100.1:4711"},
	{[]string{"2001:db8::1"}, "[2001:db8::1]:0"},
	{[]string{"[2001:db8::1]"}, "[2001:db8::1]:0"},
	{[]string{"[2001:db8::1]:4711"}, "[2001:db8::1]:4711"},
	{[]string{"::ffff:198.51.100.1"}, "198.51.100.1:0"},
	{[]string{"203.0.113.9, 198.51.100.1"}, "198.51.100.1:0"}, // what stands before it, anybody may have written
	{[]string{"198.51.100.1, 10.0.0.1"}, "198.51.100.1:0"},
	{[]string{"198.51.100.1,10.0.0.1 ,\t[fd00::1]:80"}, "198.51.100.1:0"},
	{[]string{"198.51.100.1", "10.0.0.1"}, "198.51.100.1:0"},
	{[]string{"203.0.113.9", "198.51.100.1", "10.0.0.1, 10.0.0.2"}, "198.51.100.1:0"},
	{[]string{"10.0.0.1, 10.0.0.2"}, "10.0.0.1:0"}, // all trusted: the first
	{[]string{"198.51.100.1, unknown"}, ""},
	{[]string{"198.51.100.1, unknown, 10.0.0.2"}, "10.0.0.2:0"},
	{[]string{"198.51.100.1, , 10.0.0.2"}, "10.0.0.2:0"},
	{[]string{"198.51.100.1", "", "10.0.0.2"}, "10.0.0.2:0"},
	{[]string{"198.51.100.1,"}, ""},
	{[]string{"[198.51.100.1]"}, ""},
	{[]string{"2001:db8::1]"}, ""},
	{[]string{"[2001:db8::1"}, ""},
	{[]string{"[2001:db8::1]]"}, ""},
	{[]string{"[[2001:db8::1]]"}, ""},
	{[]string{"[2001:db8::1]:"}, ""},
	{[]string{"[2001:db8::1]:99999"}, ""},
	{[]string{"fe80::1%eth0"}, ""},
	{[]string{"198.51.100.1:"}, ""},
	{[]string{"198.51.100.01"}, ""},
	{[]string{"198.51.100"}, ""},
	{[]string{"client.example"}, ""},
	{[]string{"\"198.51.100.1\""}, ""},
	{[]string{"for=198.51.100.1"}, ""},
}

func TestForwardedForIsWalkedFromItsEnd(t *testing.T) {
	p := mustPeers(t, "10.0.0.0/8,fd00::/8")
	for _, row := range walks {
		addr, ok := p.client(row.lines)
		if got := addr.String(); ok != (row.want != "") || ok && got != row.want {
			t.Errorf("%q: %v, %v; want %q", row.lines, got, ok, row.want)
		}
	}
}

// FuzzForwardedFor: whatever stands there, an address comes out of the list or none, and never one from before an untrusted one.
func FuzzForwardedFor(f *testing.F) {
	for _, row := range walks {
		f.Add(strings.Join(row.lines, ","))
	}
	f.Fuzz(func(t *testing.T, list string) {
		p := mustPeers(t, "10.0.0.0/8,fd00::/8")
		client, ok := p.client([]string{list})
		if withMore, moreOK := p.client([]string{"203.0.113.7," + list}); ok && !p.containsIP(client.Addr()) && (withMore != client || !moreOK) {
			t.Fatalf("%v, and %v with a forged address before it", client, withMore)
		}
		last, lastOK := p.client([]string{list, "198.51.100.1"})
		if !lastOK || last.String() != "198.51.100.1:0" {
			t.Fatalf("%v behind the list", last)
		}
	})
}

// ask sends one request, a handshake or not, over a new connection, and returns the head and body of the answer.
func ask(t *testing.T, s *Server, announced string, upgrade bool, lines ...string) (status int, body string) {
	t.Helper()
	c := connectPlain(t, s)
	if announced != "" {
		c.write(header(announced))
	}
	if s.cfg.TLS != nil {
		c.startTLS()
	}
	request := "GET / HTTP/1.1\r\nHost: here.example\r\n"
	if upgrade {
		request += "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	}
	for _, line := range lines {
		request += line + "\r\n"
	}
	c.write([]byte(request + "\r\n"))
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		body = string(b)
	}
	c.Close()
	return resp.StatusCode, body
}

// TestTrustedProxies: who is believed, over all listeners, and with an announcement before.
func TestTrustedProxies(t *testing.T) {
	plainOnly(t, "TestAnnouncedAddressIsSeenEverywhere has TLS")
	const forwarded = "198.51.100.1:0"
	for name, addr := range listeners(t) {
		for _, row := range []struct {
			name               string
			trusted, announced string
			believed           bool
		}{
			{"proxy", localPeers.String(), "", true},
			{"stranger", strangers.String(), "", false},
			{"nobody", "", "", false},
			{"announced proxy", strangers.String(), "192.0.2.7:1", true},
			{"announced stranger", localPeers.String(), "203.0.113.1:1", false},
		} {
			t.Run(name+"/"+row.name, func(t *testing.T) {
				seen := newSightings()
				cfg := seen.config("plain")
				cfg.Addr = addr
				if row.trusted != "" {
					cfg.TrustedProxies = mustPeers(t, row.trusted)
				}
				if row.announced != "" {
					cfg.ProxyProtocol = localPeers
				}
				s := serve(t, cfg)
				lines := []string{"X-Forwarded-For: 203.0.113.9, 198.51.100.1", "X-Forwarded-For: 192.0.2.3, 127.0.0.1", "X-Forwarded-Proto: https"}
				if !strings.Contains(row.trusted, "127.") {
					lines[1] = "X-Forwarded-For: 192.0.2.3"
				} else {
					lines[1] = "X-Forwarded-For: 127.0.0.3"
				}
				if status, _ := ask(t, s, row.announced, true, lines...); status != http.StatusSwitchingProtocols {
					t.Fatalf("status %d", status)
				}
				for where, box := range map[string]box[string]{"OnOpen": seen.opened, "End": seen.closed} {
					if got := box.take(t); (got == forwarded) != row.believed || !row.believed && row.announced != "" && got != row.announced {
						t.Errorf("%s: %s", where, got)
					}
				}
				_, body := ask(t, s, row.announced, false, append(lines, "Connection: close")...)
				if got, https, _ := strings.Cut(body, " "); (got == forwarded) != row.believed || https != fmt.Sprint(row.believed) {
					t.Errorf("HTTP: %s", body)
				}
			})
		}
	}
}

// Behind a proxy that ends TLS a page is of the same origin if its scheme is https.
func TestForwardedProtoDecidesOnOrigins(t *testing.T) {
	for _, row := range []struct {
		trusted       Peers
		origin, proto string
		tls           bool // the server's own
		status        int
	}{
		{localPeers, "https", "https", false, 101},
		{localPeers, "https", "HTTPS", false, 101},
		{localPeers, "https", "wss", false, 101},
		{localPeers, "http", "https", false, 403},
		{localPeers, "http", "http", false, 101},
		{localPeers, "http", "", false, 101},
		{localPeers, "https", "", false, 403},
		{localPeers, "http", "gopher", false, 101},
		{localPeers, "http", "http", true, 101},
		{localPeers, "https", "", true, 101},
		{localPeers, "https", "https\r\nX-Forwarded-Proto: http", false, 403},
		{strangers, "https", "https", false, 403},
		{Peers{}, "https", "https", false, 403},
		{Peers{}, "https", "http", true, 101},
	} {
		cfg := Config{Handler: echo, TrustedProxies: row.trusted}
		if row.tls {
			cfg.TLS = &TLSOptions{Config: serverTLS.Clone()}
		} else if *tlsFlag != "" {
			continue
		}
		s := serve(t, cfg)
		lines := []string{"Origin: " + row.origin + "://here.example"}
		if row.proto != "" {
			lines = append(lines, "X-Forwarded-Proto: "+row.proto)
		}
		if status, _ := ask(t, s, "", true, lines...); status != row.status {
			t.Errorf("%+v: %d", row, status)
		}
	}
}

// Requests of other servers are described by what net/http knows.
func TestClientTLSElsewhere(t *testing.T) {
	r := httptest.NewRequest("GET", "http://here.example/", nil)
	r.Header.Set(forwardedProto, "https")
	if ClientTLS(r) {
		t.Error("believed")
	}
	if r = httptest.NewRequest("GET", "https://here.example/", nil); !ClientTLS(r) {
		t.Error("not seen")
	}
}
