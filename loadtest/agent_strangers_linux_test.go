package loadtest

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/loadtest/link"
)

// guest is a coordinator that says what a test wants.
func guest(t *testing.T, address string, hello any) *link.Conn {
	t.Helper()
	token, err := link.NewToken([]byte(agentToken))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := link.Dial(t.Context(), address, token, 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.Send(kindHello, 0, mustJSON(hello)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func goodHello() agentHello {
	return agentHello{Protocol: agentProtocol, Build: buildOf(newEnvironment())}
}

// until receives up to a message of that kind.
func until(t *testing.T, conn *link.Conn, kind byte) link.Message {
	t.Helper()
	for {
		m, err := conn.Receive()
		if err != nil {
			t.Fatalf("waiting for a message of kind %d: %v", kind, err)
		}
		if m.Kind == kind {
			return m
		}
	}
}

func TestAgentRefusesOtherBuilds(t *testing.T) {
	t.Parallel()
	a := startAgent(t, nil)
	for want, hello := range map[string]any{
		"both must be of one build":     agentHello{Protocol: agentProtocol, Build: "v0 at commit 123"},
		"speaks version 1":              agentHello{Protocol: 2, Build: goodHello().Build},
		"it did not say hello":          "hello?",
		"the coordinator v0 at commit ": agentHello{Protocol: agentProtocol, Build: "v0 at commit 123"},
	} {
		if m := until(t, guest(t, a.address, hello), kindRefusal); !strings.Contains(string(m.Body), want) {
			t.Errorf("%+v: %s", hello, m.Body)
		}
	}
}

// TestAgentServesOneRun keeps the others away, and is free again afterwards.
func TestAgentServesOneRun(t *testing.T) {
	t.Parallel()
	a := startAgent(t, nil)
	s := &pushServer{}
	s.start(t)
	first := guest(t, a.address, goodHello())
	until(t, first, kindWelcome)
	cfg := agentFanout(s.url("/ws"), Agent{Address: a.address})
	if _, err := Run(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "busy with a run of 127.0.0.1") {
		t.Errorf("got %v", err)
	}
	_ = first.Close()
	if r := mustRun(t, cfg); !r.Verdict.OK {
		t.Errorf("%v", r.Verdict.Reasons)
	}
}

// TestAgentAndBadCoordinators has those who hold the token send nonsense: their session ends, and the agent lives.
func TestAgentAndBadCoordinators(t *testing.T) {
	t.Parallel()
	a := startAgent(t, nil)
	spec := func(conn *link.Conn, text []byte) error {
		failures := []error{conn.Send(kindStart, 0, nil)}
		for len(text) > 0 {
			n := min(len(text), link.MaxBody)
			failures = append(failures, conn.Send(kindData, 0, text[:n]))
			text = text[n:]
		}
		return errors.Join(failures...)
	}
	cases := map[string]struct {
		send func(conn *link.Conn) error
		want string // for the worker; "" ends the session
	}{
		"no JSON":        {func(c *link.Conn) error { return spec(c, []byte("{]")) }, "no specification"},
		"no connections": {func(c *link.Conn) error { return spec(c, []byte("{}")) }, "none that a worker can serve"},
		"endless JSON":   {func(c *link.Conn) error { return spec(c, bytes.Repeat([]byte("["), maxBacklog)) }, "no specification"},
		"unknown kind":   {func(c *link.Conn) error { return c.Send(200, 0, nil) }, ""},
		"unknown worker": {func(c *link.Conn) error { return c.Send(kindData, 7, nil) }, ""},
		"a short ping":   {func(c *link.Conn) error { return c.Send(kindPing, 0, []byte("x")) }, ""},
		"twice":          {func(c *link.Conn) error { return errors.Join(c.Send(kindStart, 0, nil), c.Send(kindStart, 0, nil)) }, ""},
	}
	for name, c := range cases {
		conn := guest(t, a.address, goodHello())
		until(t, conn, kindWelcome)
		// Where the session ends over it, not all of it may go out.
		_ = c.send(conn)
		if c.want != "" {
			if m := until(t, conn, kindEnd); !strings.Contains(string(m.Body), c.want) {
				t.Errorf("%s: %s", name, m.Body)
			}
		} else {
			for err := error(nil); err == nil; {
				_, err = conn.Receive()
			}
		}
		_ = conn.Close()
	}
}

// TestAgentAndStrangers has its port found by those who have no token: nonsense, and many who say nothing.
//
// It has the process to itself, so that the heap is its own.
func TestAgentAndStrangers(t *testing.T) {
	a := startAgent(t, nil)
	s := &pushServer{}
	s.start(t)
	random := rand.NewChaCha8([32]byte{1})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 50 {
		raw, err := net.Dial("tcp", a.address)
		if err != nil {
			t.Fatal(err)
		}
		nonsense := make([]byte, 64<<10)
		_, _ = random.Read(nonsense)
		_, _ = raw.Write(nonsense)
		_, _ = io.Copy(io.Discard, raw) // until the agent has had enough
		_ = raw.Close()
	}
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapInuse) - int64(before.HeapInuse); grown > 64<<20 {
		t.Errorf("%d bytes more on the heap", grown)
	}
	var silent []net.Conn
	for range maxStrangers + 4 {
		raw, err := net.Dial("tcp", a.address)
		if err != nil {
			t.Fatal(err)
		}
		silent = append(silent, raw)
	}
	closed := make(chan bool, len(silent))
	for _, raw := range silent {
		go func() {
			_, _ = raw.Read(make([]byte, 1))
			closed <- true
		}()
	}
	for range 4 { // those for whom there is no place
		<-closed
	}
	for _, raw := range silent {
		_ = raw.Close()
	}
	for range len(silent) - 4 {
		<-closed
	}
	a.hasRoom(t)
	if !a.logged("closed unheard") || !a.logged("refused: ") {
		t.Error("the agent does not tell who was there")
	}
	if r := mustRun(t, agentFanout(s.url("/ws"), Agent{Address: a.address})); !r.Verdict.OK {
		t.Errorf("%v", r.Verdict.Reasons)
	}
}

// hasRoom waits until the agent has noticed that strangers have gone.
func (a *testAgent) hasRoom(t *testing.T) {
	t.Helper()
	token, err := link.NewToken([]byte(agentToken))
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		conn, err := link.Dial(t.Context(), a.address, token, 30*time.Second)
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// TestAgentEndsWorkersWithoutCoordinator has one vanish while its workers hold connections.
func TestAgentEndsWorkersWithoutCoordinator(t *testing.T) {
	t.Parallel()
	a := startAgent(t, nil)
	s := &pushServer{}
	s.start(t)
	conn := guest(t, a.address, goodHello())
	until(t, conn, kindWelcome)
	spec := workerSpec{
		Scenario: Idle, Addr: netip.MustParseAddrPort(s.listener.Addr().String()), Host: "h", Path: "/echo", Conns: 5, TotalConns: 5, Threads: 1,
		ConnectRate: 1000, MaxInFlight: 5, Epoch: monotonicNow(), Payload: MinPayload, Topics: topicPlan{Sizes: []int{5}, Publishers: 1}, Loops: 1, SetupTimeout: time.Minute,
	}
	if err := errors.Join(conn.Send(kindStart, 3, nil), conn.Send(kindData, 3, mustJSON(spec))); err != nil {
		t.Fatal(err)
	}
	s.awaitOpen(t, 5)
	_ = conn.Close()
	s.awaitOpen(t, 0)
}

// awaitOpen waits until the server has so many connections.
func (s *pushServer) awaitOpen(t *testing.T, want int) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; runtime.Gosched() {
		s.mu.Lock()
		open := len(s.conns)
		s.mu.Unlock()
		if open == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d connections, want %d", open, want)
		}
	}
}
