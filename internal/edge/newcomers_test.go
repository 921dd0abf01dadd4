package edge

import (
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// Sockets that say nothing, and plain HTTP, are held to a bound for each address; WebSockets that are open do not count.
func TestSocketsOfAnAddressThatAreNoWebSockets(t *testing.T) {
	s := startServer(t, Config{Limits: Limits{ConnsPerAddress: 2}})
	kept := greet(t, s)
	key, _ := keyOf(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	counts := func(n int) func() bool { return func() bool { return s.limiter.sockets.Of(key) == n } }
	eventually(t, "a WebSocket does not count", counts(0))

	keepAlive := &http.Client{Transport: &http.Transport{TLSClientConfig: clientTLS}, Timeout: patience}
	response, err := keepAlive.Get(origin(s) + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, response.Body)
	response.Body.Close()
	eventually(t, "HTTP counts", counts(1))

	var silent []net.Conn
	for range minNewcomers - 1 {
		conn, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		silent = append(silent, conn)
	}
	eventually(t, "sockets that say nothing count", counts(minNewcomers))
	refused, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer refused.Close()
	_ = refused.SetReadDeadline(time.Now().Add(patience))
	if n, err := refused.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Errorf("one too many got %d bytes, %v", n, err)
	}
	if n := s.reactor.Stats().Refused["address_sockets"]; n != 1 {
		t.Errorf("%d counted", n)
	}
	kept.idle()
	keepAlive.CloseIdleConnections()
	for _, conn := range silent[1:] {
		conn.Close()
	}
	eventually(t, "what has ended does not count", counts(1))
	greet(t, s).idle()
}

// All addresses together are held to a rate of the node, which those who are refused for their own do not use up.
func TestAcceptRateOfTheNode(t *testing.T) {
	clock := newStillClock()
	s := startServer(t, Config{Limits: Limits{AcceptRate: 2, NodeAcceptRate: 3}, now: clock.Now})
	from := func(last byte) net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, last)} }
	for range 9 { // four of them are let in
		_ = s.limiter.knock(from(1))
	}
	for i := range byte(2) {
		if err := s.limiter.knock(from(2 + i)); err != nil {
			t.Errorf("within the rate: %v", err)
		}
	}
	if err := s.limiter.knock(from(4)); err != nodeRefusal {
		t.Errorf("above the rate: %v", err)
	}
	if c := dialRaw(t, s, handshake(s, "/ws", "")); c.status() != "503" {
		t.Errorf("%s", c.head)
	}
	if n := s.reactor.Stats().Refused["node_accept_rate"]; n != 1 {
		t.Errorf("%d counted", n)
	}
	clock.pass(time.Second)
	greet(t, s)
}
