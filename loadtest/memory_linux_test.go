package loadtest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
)

// idleServerVariable makes the test binary a pushServer in a process of its own, whose memory is not the client's.
const idleServerVariable = "LOADTEST_TEST_IDLE_SERVER"

// serveUntilEOF tells its address, and serves for as long as somebody holds the other end of in.
func serveUntilEOF(in io.Reader) int {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	s := &pushServer{listener: listener, conns: map[net.Conn]bool{}, subscribed: `{"type":"subscribed","id":1,"channel":"load"}`}
	s.published.L = &s.mu
	s.handlers.Go(s.accept)
	fmt.Println(listener.Addr())
	_, _ = io.Copy(io.Discard, in)
	s.stop()
	return 0
}

// maxIdleConnBytes is the budget of user memory for a connection that does nothing; conn_linux.go has the sum.
const maxIdleConnBytes = 300

// TestIdleConnectionsAreSmall takes the difference of two runs, in which all that does not depend on the number of connections
// cancels out.
func TestIdleConnectionsAreSmall(t *testing.T) {
	out, stdout := io.Pipe()
	_, end := selfAs(t, idleServerVariable, "1", stdout)
	defer end()
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	const few, many = 200, 2200
	url := "ws://" + strings.TrimSpace(addr) + "/ws"
	small, large := heapWithIdle(t, url, few), heapWithIdle(t, url, many)
	each := (float64(large) - float64(small)) / (many - few)
	if each < 20 || each > maxIdleConnBytes {
		t.Errorf("an idle connection takes %.0f bytes: %d connections %d, %d connections %d", each, few, small, many, large)
	}
	t.Logf("%.0f bytes each", each)
}

// heapWithIdle is what is alive while so many connections are idle.
func heapWithIdle(t *testing.T, url string, conns int) (alive uint64) {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	defer end()
	r, err := Run(ctx, Config{
		Scenario: Idle, URL: url, Conns: conns, ConnectRate: 1e5, Duration: patience,
		Observe: func(s Status) {
			if s.Established == conns && s.Phase != PhaseClosing && alive == 0 {
				runtime.GC()
				var stats runtime.MemStats
				runtime.ReadMemStats(&stats)
				alive = stats.HeapAlloc
				end()
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Verdict.OK || alive == 0 {
		t.Fatalf("%v, %d bytes alive", r.Verdict, alive)
	}
	return alive
}
