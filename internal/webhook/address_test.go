package webhook

import (
	"context"
	"encoding/binary"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
)

func TestPublicAddresses(t *testing.T) {
	for text, want := range map[string]bool{
		"1.1.1.1": true, "8.8.8.8": true, "172.15.255.255": true, "172.32.0.1": true, "100.63.255.255": true, "100.128.0.1": true,
		"2606:4700::1111": true, "2a00:1450::1": true, "::ffff:1.1.1.1": true,

		"0.0.0.0": false, "0.1.2.3": false, "127.0.0.1": false, "127.255.255.254": false, "10.0.0.1": false, "172.16.0.1": false,
		"172.31.255.255": false, "192.168.1.1": false, "169.254.169.254": false, "169.254.170.2": false, "100.64.0.1": false,
		"100.127.255.255": false, "192.0.0.192": false, "192.0.2.1": false, "192.88.99.1": false, "198.18.0.1": false, "198.19.255.255": false,
		"198.51.100.1": false, "203.0.113.1": false, "224.0.0.1": false, "239.255.255.255": false, "240.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "fe80::1": false, "fe80::1%eth0": false, "2606:4700::1%eth0": false, "fc00::1": false, "fd00:ec2::254": false,
		"ff02::1": false, "::ffff:127.0.0.1": false, "::ffff:169.254.169.254": false, "::ffff:10.0.0.1": false, "::127.0.0.1": false,
		"64:ff9b::7f00:1": false, "64:ff9b:1::1": false, "2002:7f00:1::": false, "2001::1": false, "2001:db8::1": false, "100::1": false,
		"3fff::1": false, "4000::1": false,
	} {
		if got := isPublic(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// TestURLs has what SSRF is tried with. What needs a resolver to be found out is dialled, and refused then.
func TestURLs(t *testing.T) {
	nets := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}
	for _, good := range []string{"https://example.com/hook", "https://example.com:8443/a?b=c", "https://1.1.1.1/", "https://[2606:4700::1111]/",
		"https://10.1.2.3/", "http://10.1.2.3:8080/", "http://backend.internal/", "https://xn--nxasmq6b/", "HTTPS://EXAMPLE.com/"} {
		if err := checkURL(good, nets); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "example.com", "//example.com/", "/hook", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "data:,x", "javascript:1",
		"unix:///run/x.sock", "https://", "https:///x", "https://user@example.com/", "https://user:secret@example.com/", "https://:secret@example.com/",
		"https://example.com@10.0.0.1/", "https://example.com/#x", "https://example.com:0/", "https://example.com:65536/", "https://example.com:x/",
		"https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://017700000001/", "https://0x7f000001/", "https://0x7f.0.0.1/",
		"https://0177.0.0.1/", "https://127.0.0.01/", "https://1.2.3.4.5/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:a9fe:a9fe]/",
		"https://169.254.169.254/latest/meta-data/", "https://[fd00:ec2::254]/", "https://[fe80::1%25eth0]/", "https://10.0.0.1/", "https://192.168.0.1/",
		"https://0.0.0.0/", "https://0/", "https://[::]/", "https://[64:ff9b::7f00:1]/", "https://example.0x7f/", "https://a.1/", "https://./",
		"http://1.1.1.1/", "http://10.2.0.1/", "https://exa mple.com/", "https://example.com\x00/", "https://%31%32%37.0.0.1/", "https://[::1/",
	} {
		if err := checkURL(bad, nets); err == nil {
			t.Errorf("%q is taken", bad)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error holds the password: %v", bad, err)
		}
	}
	if checkURL("http://example.com/", nil) == nil {
		t.Error("http without a network is taken")
	}
}

// nameServer answers every question for an address by a function, over UDP, with what is needed of RFC 1035 for that.
type nameServer struct {
	mu      sync.Mutex
	address netip.Addr
	asked   int
}

func (n *nameServer) set(address string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.address = netip.MustParseAddr(address)
}

func (n *nameServer) serve(conn net.PacketConn) {
	buf := make([]byte, 1500)
	for {
		size, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		_, _ = conn.WriteTo(n.answer(buf[:size]), from)
	}
}

// answer repeats the header and the question, and adds one A record with no time to live if that was the question.
func (n *nameServer) answer(query []byte) []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked++
	end := 12
	for query[end] != 0 {
		end += int(query[end]) + 1
	}
	question := query[12 : end+5]
	answer := append([]byte(nil), query[:2]...)
	kind := binary.BigEndian.Uint16(query[end+1:])
	is4 := kind == 1 && n.address.Is4()
	is6 := kind == 28 && n.address.Is6()
	answer = append(answer, 0x84, 0, 0, 1, 0, 0, 0, 0, 0, 0)
	answer = append(answer, question...)
	if is4 || is6 {
		answer[7] = 1
		rdata := n.address.AsSlice()
		answer = append(answer, 0xc0, 12, 0, byte(kind), 0, 1, 0, 0, 0, 0, 0, byte(len(rdata)))
		answer = append(answer, rdata...)
	}
	return answer
}

// resolver is one that asks the name server.
func (n *nameServer) resolver(t *testing.T) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go n.serve(conn)
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// TestNameThatIsRebound has a name lead to an allowed address first, and then, as DNS rebinding does, where it must not.
func TestNameThatIsRebound(t *testing.T) {
	backend := startBackend(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close") // so that each request resolves
		say(`{"allow":true}`)(w, r)
	})
	_, port, _ := net.SplitHostPort(backend.Listener.Addr().String())
	var names nameServer
	names.set("127.0.0.1")
	c := startClient(t, Config{
		URL: "http://backend.test:" + port + "/", AllowNets: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, resolver: names.resolver(t),
	})
	if v := ask(t, c, Connect, Occasion{}); !v.Allow || v.Failed {
		t.Fatalf("%+v", v)
	}
	for i, address := range []string{"127.0.0.2", "169.254.169.254", "10.0.0.1", "::1", "0.0.0.0"} {
		names.set(address)
		if v := ask(t, c, Publish, Occasion{Data: []byte("1")}); v.Allow || !v.Failed || v.Code != codeUnavailable {
			t.Fatalf("%s: %+v", address, v)
		}
		if s := c.Stats(); s.Failures[failAddress] != int64(min(i+1, breakAfter)) {
			t.Fatalf("%s: %+v", address, s)
		}
	}
}

// TestPublicAddressesNeedHTTPS has a name behind http lead to the whole internet.
func TestPublicAddressesNeedHTTPS(t *testing.T) {
	var names nameServer
	names.set("1.1.1.1")
	c := startClient(t, Config{URL: "http://backend.test/", resolver: names.resolver(t)})
	if v := ask(t, c, Connect, Occasion{}); v.Allow || c.Stats().Failures[failAddress] != 1 {
		t.Fatalf("%+v, %+v", v, c.Stats())
	}
}
