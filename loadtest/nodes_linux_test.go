package loadtest

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Connections go to all nodes by turns, and those that come back too.
func TestSeveralNodes(t *testing.T) {
	var counts [3]atomic.Int64
	servers := make([]*pushServer, len(counts))
	var also []string
	for i := range servers {
		servers[i] = &pushServer{admit: func(int) int { counts[i].Add(1); return 101 }}
		servers[i].start(t)
		if i > 0 {
			also = append(also, servers[i].listener.Addr().String())
		}
	}
	nodes, err := ParseNodes(strings.Join(also, ", "))
	if err != nil {
		t.Fatal(err)
	}
	r := mustRun(t, Config{Scenario: Idle, URL: servers[0].url("/ws"), Also: nodes, Conns: 90, Threads: 3, Duration: 100 * time.Millisecond})
	for i := range counts {
		if n := counts[i].Load(); n != 30 {
			t.Errorf("node %d has had %d connections", i, n)
		}
	}
	if len(r.Config.Also) != 2 || r.Config.Also[0] != also[0] {
		t.Errorf("%+v", r.Config)
	}
}

func TestParseNodes(t *testing.T) {
	for _, list := range []string{"", "localhost:80", "10.0.0.1", "10.0.0.1:0", "10.0.0.1:80,", "10.0.0.1:99999"} {
		if nodes, err := ParseNodes(list); err == nil || !strings.Contains(err.Error(), "want IP:PORT") {
			t.Errorf("%q: %v, %v", list, nodes, err)
		}
	}
	nodes, err := ParseNodes("[::1]:80, 10.0.0.1:443")
	if err != nil || len(nodes) != 2 {
		t.Error(nodes, err)
	}
	if _, err := Run(t.Context(), Config{Scenario: Idle, URL: "ws://127.0.0.1:1/ws", Also: nodes, Conns: 1, Duration: time.Second}); err == nil || !strings.Contains(err.Error(), "one address family") {
		t.Error(err)
	}
}
