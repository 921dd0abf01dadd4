package reactor

import (
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// reached is the other side of a conn that s dials: it wants masked frames, and nothing more than the conn sends.
func reached(t testing.TB, s *Server, o DialOptions) *client {
	t.Helper()
	return reachedBy(t, s, o, func(*client) {})
}

// reachedStalled is reached by a conn that is subscribed; it does not read on, and its receive buffer is small.
func reachedStalled(t testing.TB, s *Server) *client {
	t.Helper()
	c := reachedBy(t, s, DialOptions{}, func(c *client) { _ = c.socket.SetReadBuffer(32 << 10) })
	c.wantText("ready")
	return c
}

func reachedBy(t testing.TB, s *Server, o DialOptions, prepare func(*client)) *client {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	dialed := make(chan error, 1)
	go func() {
		_, _, err := s.Dial(t.Context(), "ws://"+listener.Addr().String()+"/", o)
		dialed <- err
	}()
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	c := wrap(t, conn)
	c.cfg.Role = frame.Server
	prepare(c)
	request, err := http.ReadRequest(c.r)
	if err != nil {
		t.Fatal(err)
	}
	c.write(switching(request.Header.Get("Sec-WebSocket-Key"), ""))
	if err := <-dialed; err != nil {
		t.Fatal(err)
	}
	return c
}
