package reactor

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/pires/go-proxyproto"

	"github.com/wsedge/wsedge/frame"
)

// signature begins each header.
const signature = "0d0a0d0a000d0a515549540a"

// unhex reads hexadecimal digits; spaces and bars are for the eye.
func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", "|", "").Replace(s))
	if err != nil {
		panic(err)
	}
	return b
}

func zeroes(n int) string { return strings.Repeat("00", n) }

// announcements are headers:
//
//	signature | version, command | family, transport | length | source, destination, ports | extensions
var announcements = []struct {
	name, header string
	want         string // address; "local", or "" where it is refused
}{
	{"IPv4", signature + "|21|11|000c| c6336401 cb007101 3039 01bb", "198.51.100.1:12345"},
	{"IPv4, extension", signature + "|21|11|0010| c6336401 cb007101 3039 01bb| 04 0001 00", "198.51.100.1:12345"},
	{"IPv6", signature + "|21|21|0024| 20010db8" + zeroes(11) + "01 20010db8" + zeroes(11) + "02 3039 01bb", "[2001:db8::1]:12345"},
	{"IPv4 in IPv6", signature + "|21|21|0024|" + zeroes(10) + "ffffc6336401" + zeroes(16) + "3039 01bb", "198.51.100.1:12345"},
	{"Unix", signature + "|21|31|00d8| 2f72756e2f78" + zeroes(102) + zeroes(108), "/run/x"},
	{"local", signature + "|20|00|0000", "local"},
	{"local, with an address", signature + "|20|11|000c| c6336401 cb007101 3039 01bb", "local"},
	{"local, with anything", signature + "|20|11|0003| 010203", "local"},
	{"longest", signature + "|21|11|0400| c6336401 cb007101 3039 01bb|" + zeroes(1012), "198.51.100.1:12345"},

	{"too long", signature + "|21|11|0401| c6336401 cb007101 3039 01bb|" + zeroes(1013), ""},
	{"much too long", signature + "|21|11|ffff", ""},
	{"version 1", signature + "|11|11|000c| c6336401 cb007101 3039 01bb", ""},
	{"version 3", signature + "|31|11|000c| c6336401 cb007101 3039 01bb", ""},
	{"unknown command", signature + "|22|11|000c| c6336401 cb007101 3039 01bb", ""},
	{"datagrams", signature + "|21|12|000c| c6336401 cb007101 3039 01bb", ""},
	{"unknown transport", signature + "|21|13|000c| c6336401 cb007101 3039 01bb", ""},
	{"unknown family", signature + "|21|41|000c| c6336401 cb007101 3039 01bb", ""},
	{"unspecified", signature + "|21|00|0000", ""},
	{"short", signature + "|21|11|000b| c6336401 cb007101 3039 01", ""},
	{"IPv6 with the length of IPv4", signature + "|21|21|000c| c6336401 cb007101 3039 01bb", ""},
	{"text", hex.EncodeToString([]byte("PROXY TCP4 198.51.100.1 203.0.113.1 12345 443\r\n")), ""},
	{"signature with one bit off", "0d0a0d0a000d0a515549540b|21|11|000c| c6336401 cb007101 3039 01bb", ""},
	{"request", hex.EncodeToString([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")), ""},
	{"ClientHello", "1603010200010001fc0303" + zeroes(32), ""},
}

// describe is how the rows above write what feed has returned.
func describe(addr net.Addr, err error) string {
	switch {
	case err != nil:
		return ""
	case addr == nil:
		return "local"
	}
	return addr.String()
}

const behind = "GET / HTTP/1.1\r\n"

// feedAll feeds the parts, and returns what came of the header and what stood behind it.
func feedAll(t testing.TB, parts ...[]byte) (got, rest string) {
	t.Helper()
	var a announcement
	for i, part := range parts {
		r, addr, err := a.feed(part)
		if err == nil && len(a) > 0 {
			if len(a) > maxAnnouncement {
				t.Fatalf("%d bytes are held", len(a))
			}
			continue
		}
		return describe(addr, err), string(r) + string(bytes.Join(parts[i+1:], nil))
	}
	return "more", ""
}

func TestAnnouncements(t *testing.T) {
	for _, row := range announcements {
		in := append(unhex(row.header), behind...)
		got, rest := feedAll(t, in)
		if got != row.want || row.want != "" && rest != behind {
			t.Errorf("%s: got %q, then %q; want %q", row.name, got, rest, row.want)
		}
		for cut := range in {
			if got, rest := feedAll(t, in[:cut], in[cut:]); cut > 0 && (got != row.want || row.want != "" && rest != behind) {
				t.Errorf("%s, cut at %d: got %q, then %q; want %q", row.name, cut, got, rest, row.want)
			}
		}
		var single [][]byte
		for i := range in {
			single = append(single, in[i:i+1])
		}
		if got, rest := feedAll(t, single...); got != row.want || row.want != "" && rest != behind {
			t.Errorf("%s, byte by byte: got %q, then %q; want %q", row.name, got, rest, row.want)
		}
	}
}

// A header ends the wait with the first byte that cannot be one's: nobody has to send more to be refused.
func TestAnnouncementFailsEarly(t *testing.T) {
	header := unhex(announcements[0].header)
	for i := range proxyproto.SIGV2 {
		wrong := bytes.Clone(header[:i+1])
		wrong[i] ^= 0x20
		if got, _ := feedAll(t, wrong); got != "" {
			t.Errorf("byte %d is wrong: %q", i, got)
		}
	}
	for n := 1; n < len(header); n++ {
		if got, _ := feedAll(t, header[:n]); got != "more" {
			t.Errorf("%d bytes: %q", n, got)
		}
	}
}

// FuzzAnnouncement: any input comes to the same in any cut, holds no more than it may, and agrees with the library reading it
// as a stream.
func FuzzAnnouncement(f *testing.F) {
	for _, row := range announcements {
		f.Add(append(unhex(row.header), behind...), 17)
	}
	f.Fuzz(func(t *testing.T, in []byte, cut int) {
		if len(in) == 0 {
			return
		}
		cut = 1 + int(uint(cut)%uint(len(in)))
		parts := [][]byte{in[:cut]}
		if cut < len(in) {
			parts = append(parts, in[cut:])
		}
		got, rest := feedAll(t, bytes.Clone(in))
		gotCut, restCut := feedAll(t, parts...)
		if got != gotCut || got != "" && rest != restCut {
			t.Fatalf("%q then %q in one, %q then %q in two", got, rest, gotCut, restCut)
		}
		if got == "" || got == "more" {
			return
		}
		h, err := proxyproto.Read(bufio.NewReader(iotest.OneByteReader(bytes.NewReader(in))))
		if err != nil || h.Version != 2 || got != "local" && h.SourceAddr.String() != got {
			t.Fatalf("got %q; the library %+v, %v", got, h, err)
		}
	})
}

// header is one that announces source.
func header(source string) []byte {
	addr := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(source))
	b, err := proxyproto.HeaderProxyFromAddrs(2, addr, &net.TCPAddr{IP: net.IPv4(203, 0, 113, 1), Port: 443}).Format()
	if err != nil {
		panic(err)
	}
	return b
}

var (
	localPeers = Peers{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}, Unix: true}
	strangers  = Peers{Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}
)

// sightings are where a server has seen a peer's address.
type sightings struct {
	upgraded, opened, closed, hello box[string]
}

func newSightings() *sightings {
	return &sightings{newBox[string](), newBox[string](), newBox[string](), newBox[string]()}
}

// config is one of a server that notes addresses, and answers HTTP with that of the request.
func (s *sightings) config(tlsMode string) Config {
	cfg := Config{
		Handler: funcs{
			open:    func(c *Conn) { s.opened <- c.RemoteAddr().String() },
			message: echo.message,
			close:   func(_ *Conn, end End) { s.closed <- end.RemoteAddr.String() },
		},
		HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%s %v", r.RemoteAddr, ClientTLS(r))
		}),
	}
	if tlsMode != "plain" {
		cfg.TLS = &TLSOptions{Config: serverTLS.Clone(), Compact: tlsMode == "compact"}
		cfg.TLS.Config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			s.hello <- hello.Conn.RemoteAddr().String()
			return nil, nil
		}
	}
	return cfg
}

// listeners are those that a proxy may connect to, by name.
func listeners(t *testing.T) map[string]string {
	l := map[string]string{"TCP": "127.0.0.1:0", "Unix": socketPath(t)}
	if hasIPv6() {
		l["both families"], l["IPv6"] = "[::]:0", "[::1]:0"
	}
	return l
}

// TestAnnouncedAddressIsSeenEverywhere: all combinations of listener, TLS, and what is asked for.
func TestAnnouncedAddressIsSeenEverywhere(t *testing.T) {
	plainOnly(t, "it has modes of its own")
	for name, addr := range listeners(t) {
		for _, tlsMode := range []string{"plain", "std", "compact"} {
			t.Run(name+"/"+tlsMode, func(t *testing.T) {
				seen := newSightings()
				cfg := seen.config(tlsMode)
				cfg.Addr, cfg.ProxyProtocol = addr, localPeers
				s := serve(t, cfg)
				for _, client := range []string{"198.51.100.1:12345", "[2001:db8::1]:443"} {
					announcedWebSocket(t, s, seen, client)
					announcedHTTP(t, s, seen, client)
				}
			})
		}
	}
}

// connectAnnounced opens a socket as a proxy does for its client, and goes on in TLS if the server speaks that.
func connectAnnounced(t *testing.T, s *Server, client string) *client {
	t.Helper()
	c := connectPlain(t, s)
	c.write(header(client))
	if s.cfg.TLS != nil {
		c.startTLS()
	}
	return c
}

func announcedWebSocket(t *testing.T, s *Server, seen *sightings, client string) {
	t.Helper()
	c := connectAnnounced(t, s, client)
	c.write(handshakeBytes("/"))
	c.wantSwitch()
	c.text("through")
	c.wantText("through")
	c.Close()
	boxes := map[string]box[string]{"OnOpen": seen.opened, "End": seen.closed}
	if s.cfg.TLS != nil {
		boxes["ClientHelloInfo"] = seen.hello
	}
	for where, box := range boxes {
		if got := box.take(t); got != client {
			t.Errorf("%s: %s, want %s", where, got, client)
		}
	}
}

func announcedHTTP(t *testing.T, s *Server, seen *sightings, client string) {
	t.Helper()
	c := connectAnnounced(t, s, client)
	want := fmt.Sprintf("%s %v", client, s.cfg.TLS != nil)
	for range 2 { // kept alive
		c.write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
		resp, err := http.ReadResponse(c.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); string(body) != want || err != nil {
			t.Errorf("HTTP: %s, %v; want %s", body, err, want)
		}
	}
	c.Close()
	if s.cfg.TLS != nil {
		seen.hello.take(t)
	}
}

// What a conn has besides is given back at its end, but not its address.
func TestAnnouncedAddressOutlivesSubscriptions(t *testing.T) {
	seen := newSightings()
	var topics []*Topic
	s := prepare(t, Config{ProxyProtocol: localPeers, Handler: funcs{
		open: func(c *Conn) {
			for _, topic := range topics {
				if err := c.Subscribe(topic); err != nil {
					t.Error(err)
				}
			}
			if !c.Unsubscribe(topics[2]) || !c.Unsubscribe(topics[1]) {
				t.Error("not subscribed")
			}
			seen.opened <- c.RemoteAddr().String()
		},
		close: func(_ *Conn, end End) { seen.closed <- end.RemoteAddr.String() },
	}})
	for range 3 {
		topics = append(topics, s.NewTopic(TopicOptions{}))
	}
	start(t, s)
	const client = "198.51.100.1:1"
	c := connectAnnounced(t, s, client)
	c.write(handshakeBytes("/"))
	c.wantSwitch()
	c.send(frame.OpClose, "\x03\xe8")
	c.want(frame.OpClose, "\x03\xe8")
	if opened, closed := seen.opened.take(t), seen.closed.take(t); opened != client || closed != client {
		t.Errorf("%s, then %s", opened, closed)
	}
}

// What stands right behind the header is the request, and what stands behind that are frames.
func TestAllInOneSegment(t *testing.T) {
	seen := newSightings()
	cfg := seen.config("plain")
	cfg.ProxyProtocol = localPeers
	plainOnly(t, "one segment under TLS is TestAnnouncedAddressIsSeenEverywhere's")
	s := serve(t, cfg)
	c := connectPlain(t, s)
	hi := []byte{0x81, 0x82, 0, 0, 0, 0, 'h', 'i'}
	c.write(bytes.Join([][]byte{header("198.51.100.1:1"), handshakeBytes("/"), hi}, nil))
	c.wantSwitch()
	c.wantText("hi")
	c.Close()
	if got := seen.closed.take(t); got != "198.51.100.1:1" {
		t.Error(got)
	}
}

func TestProxyThatSaysNothingGood(t *testing.T) {
	s := serve(t, Config{Handler: echo, ProxyProtocol: localPeers})
	refused := int64(0)
	for _, row := range announcements {
		if row.want != "" {
			continue
		}
		c := connectPlain(t, s)
		c.write(unhex(row.header))
		if b, err := io.ReadAll(c.r); len(b) > 0 || err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%s: answered %q, %v", row.name, b, err)
		}
		refused++
	}
	if n := s.Stats().Refused["proxy_header"]; n != refused {
		t.Errorf("%d refusals are counted, want %d", n, refused)
	}
}

// A proxy's check of its own keeps the proxy's address.
func TestLocalCommand(t *testing.T) {
	plainOnly(t, "TLS makes no difference")
	seen := newSightings()
	cfg := seen.config("plain")
	cfg.ProxyProtocol = localPeers
	s := serve(t, cfg)
	check := connectPlain(t, s)
	check.write(unhex(signature + "|20|00|0000"))
	check.Close()
	c := connectPlain(t, s)
	c.write(unhex(signature + "|20|00|0000"))
	c.write(handshakeBytes("/"))
	c.wantSwitch()
	if got := seen.opened.take(t); got != c.LocalAddr().String() {
		t.Errorf("%s, want %s", got, c.LocalAddr())
	}
	eventually(t, "the check has gone", func() bool { return s.Stats().Connections == 1 })
	if n := s.Stats().Refused["proxy_header"]; n != 0 {
		t.Errorf("%d refusals", n)
	}
}

// From somebody else the header is what it looks like: no request, and no ClientHello.
func TestAnnouncementOfAStranger(t *testing.T) {
	for _, peers := range []Peers{{}, strangers} {
		s := serve(t, Config{Handler: echo, ProxyProtocol: peers})
		c := connectPlain(t, s)
		c.write(header("198.51.100.1:1"))
		c.write(handshakeBytes("/"))
		if b, _ := io.ReadAll(c.r); !strings.HasPrefix(string(b), "HTTP/1.1 400 ") {
			t.Errorf("%v: answered %q", peers, b)
		}
		dial(t, s, "/")
	}
}

// The header has its time within that of the handshake.
func TestAnnouncementThatDoesNotCome(t *testing.T) {
	for _, part := range []int{0, 1, 15, 16, 27} {
		clk := newClock()
		s := serve(t, Config{Handler: echo, ProxyProtocol: localPeers, now: clk.Now})
		c := connectPlain(t, s)
		c.write(header("198.51.100.1:1")[:part])
		eventually(t, "accepted", func() bool { return s.Stats().Connections == 1 && s.Stats().BytesIn == int64(part) })
		clk.pass(s, 6*time.Second)
		if b, err := io.ReadAll(c.r); len(b) > 0 || err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("after %d bytes: answered %q, %v", part, b, err)
		}
		if n := s.Stats().Refused["handshake_timeout"]; n != 1 {
			t.Errorf("after %d bytes: %d timeouts counted", part, n)
		}
	}
}

// A drain, and a full server, find connections that have announced nothing yet.
func TestUnannouncedAreDrained(t *testing.T) {
	clk := newClock() // it stands still: nobody is hung up on for being late
	s := serve(t, Config{Handler: echo, ProxyProtocol: localPeers, MaxConns: 2, now: clk.Now})
	half, silent := connectPlain(t, s), connectPlain(t, s)
	half.write(header("198.51.100.1:1")[:20])
	eventually(t, "both are in", func() bool { return s.Stats().Connections == 2 && s.Stats().BytesIn == 20 })
	full := connectPlain(t, s)
	full.write(header("198.51.100.1:1"))
	if *tlsFlag == "" {
		full.write(handshakeBytes("/"))
		if b, _ := io.ReadAll(full.r); !strings.HasPrefix(string(b), "HTTP/1.1 503 ") {
			t.Errorf("above the cap: %q", b)
		}
	}
	full.Close()
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(t.Context()) }()
	for _, c := range []*client{half, silent} {
		if _, err := io.ReadAll(c.r); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("a connection that has announced nothing is still there")
		}
		c.Close()
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
