//go:build linux

package reactor

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"
)

// shared is a server on a socket of a port that several may have.
func shared(t *testing.T, cfg Config) *Server {
	t.Helper()
	port, err := ReservePort("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(port.Close)
	socket, err := port.Socket()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if cfg.Listener, err = ListenOn(socket); err != nil {
		t.Fatal(err)
	}
	s := prepareOn(t, "", cfg)
	start(t, s)
	return s
}

// A loop that is stuck does not hold StopAccepting longer than its context; and dialing goes on behind it.
func TestStopAcceptingKeepsToItsContext(t *testing.T) {
	entered, release := newBox[bool](), make(chan struct{})
	s := shared(t, Config{Loops: 1, Handler: funcs{message: func(*Conn, Opcode, []byte) { entered <- true; <-release }}})
	there := serve(t, Config{Handler: funcs{}})
	c := dial(t, s, "/")
	c.text("block it")
	entered.take(t)
	waiting, err := net.Dial("tcp", s.Addr().String()) // accepted, and on its way to the loop
	if err != nil {
		t.Fatal(err)
	}
	defer waiting.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.StopAccepting(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("stuck: %v", err)
	}
	close(release)
	waiting.Close() // else its handshake would be waited for
	if err := s.StopAccepting(t.Context()); err != nil {
		t.Error(err)
	}
	reachOut(t, s, there.address("/"), DialOptions{})
}

// Close again, by a defer say, closes nobody else's descriptor.
func TestSharedPortIsClosedTwice(t *testing.T) {
	port, err := ReservePort("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port.Close()
	other, err := net.Listen("tcp", "127.0.0.1:0") // its descriptor is likely to have the number
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	port.Close()
	conn, err := net.Dial("tcp", other.Addr().String())
	if err != nil {
		t.Fatal("the listener was closed")
	}
	conn.Close()
}

// Over a link-local address the peer's is whole, and the engine does not get the zone, whose bytes it would use again.
func TestZoneOnAListener(t *testing.T) {
	addr := linkLocal()
	if addr == nil {
		t.Log("this machine has no link-local address: nothing to see")
		return
	}
	l, err := net.ListenTCP("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	ended := newBox[End]()
	s := prepareOn(t, "", Config{Listener: l, Handler: funcs{close: func(_ *Conn, e End) { ended <- e }}})
	start(t, s)
	addr.Port = l.Addr().(*net.TCPAddr).Port
	conn, err := net.DialTCP("tcp", nil, addr)
	if err != nil {
		t.Fatal(err)
	}
	c := wrap(t, conn)
	if s.cfg.TLS != nil {
		c.startTLS()
	}
	c.write(handshakeBytes("/"))
	c.wantSwitch()
	c.Close()
	if got := ended.take(t).RemoteAddr.String(); got != c.LocalAddr().String() {
		t.Errorf("RemoteAddr %s, want %s", got, c.LocalAddr())
	}
}
