package jetstream

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"
)

// gate is a dialer whose connections stop writing while mu is held by somebody else.
type gate struct {
	mu      sync.Mutex
	writing atomic.Int64
}

type gatedConn struct {
	net.Conn
	gate *gate
}

func (g *gate) Dial(network, address string) (net.Conn, error) {
	conn, err := net.Dial(network, address)
	return &gatedConn{conn, g}, err
}

func (c *gatedConn) Write(b []byte) (int, error) {
	c.gate.writing.Add(1)
	defer c.gate.writing.Add(-1)
	c.gate.mu.Lock()
	defer c.gate.mu.Unlock()
	return c.Conn.Write(b)
}

// Whoever begins to hear something while the server does not read waits for the library; those who open channels don't.
func TestHearingHoldsNobodyUp(t *testing.T) {
	s := startNATS(t, t.TempDir(), -1)
	t.Cleanup(func() { stopNATS(s) })
	g := &gate{}
	e := connect(t, nil, Config{URL: s.ClientURL(), Options: []nats.Option{nats.SetCustomDialer(g)}})
	awaitState(t, e, true)
	if err := e.Hear("a", func([]byte) {}); err != nil {
		t.Fatal(err)
	}
	g.mu.Lock()
	e.Say("b", []byte("x"))
	awaitThat(t, "the library writes", func() bool { return g.writing.Load() > 0 })
	heard := make(chan error, 1)
	go func() { heard <- e.Hear("c", func([]byte) {}) }()
	awaitThat(t, "it begins to hear", func() bool {
		e.hearing.mu.Lock()
		defer e.hearing.mu.Unlock()
		return e.hearing.subjects[e.wireSubject("c")].take != nil
	})
	if e.mu.TryLock() {
		e.mu.Unlock()
	} else {
		t.Error("the engine's lock is held")
	}
	g.mu.Unlock()
	if err := <-heard; err != nil {
		t.Error(err)
	}
}
