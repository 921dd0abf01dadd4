package loadtest

import (
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"
)

// sourcesSeen counts the connections of a short run by where the server saw them come from.
func sourcesSeen(t *testing.T, change func(*Config)) map[string]int {
	t.Helper()
	seen := map[string]int{}
	s := &pushServer{publish: func(int) int { return http.StatusOK }}
	s.give = func(nth int, payload []byte) [][]byte {
		for _, conn := range s.subscribers {
			if host, _, err := net.SplitHostPort(conn.RemoteAddr().String()); nth == 0 && err == nil {
				seen[host]++
			}
		}
		return [][]byte{payload}
	}
	s.start(t)
	cfg := shortFanout(s.url("/ws"))
	cfg.Conns, cfg.Processes, cfg.Drain, cfg.WorkerCommand = 64, 9, 20*time.Second, testWorkerCommand()
	change(&cfg)
	if r := mustRun(t, cfg); !r.Verdict.OK || r.Config.Processes != 9 {
		t.Errorf("%+v in %d processes", r.Verdict, r.Config.Processes)
	}
	return seen
}

// TestSourcesOfManyProcesses has nine processes go through the addresses together, not each from the first one on.
func TestSourcesOfManyProcesses(t *testing.T) {
	t.Parallel()
	seen := sourcesSeen(t, func(c *Config) { c.Sources, _ = ParseSources("127.0.9.0/28") })
	if len(seen) != 16 {
		t.Errorf("%d addresses: %v", len(seen), seen)
	}
	for from, n := range seen {
		if n != 4 {
			t.Errorf("%d connections from %s, want 4", n, from)
		}
	}
}

// TestSpreadingOfManyProcesses goes over what nine processes would do with more connections than one address has ports for.
func TestSpreadingOfManyProcesses(t *testing.T) {
	const conns, processes = 81_000, 9
	r := &run{cfg: Config{Scenario: Idle, Conns: conns, Threads: 2}.withDefaults()}
	r.target.Addr = netip.MustParseAddrPort("127.0.0.1:80")
	p := &place{conns: conns, processes: processes, threads: 2, env: Environment{UsableCores: 4}}
	r.shares = p.cut(0, nil, 0)
	used := map[netip.Addr]int{}
	next := 0
	for _, spec := range r.specs() {
		if spec.First != next {
			t.Errorf("a worker begins with connection %d, not %d", spec.First, next)
		}
		ring := newSourceRing(spec.Sources, spec.Addr.Addr(), spec.TotalConns)
		for i := range spec.Conns {
			used[ring.at(spec.First+i)]++
		}
		next += spec.Conns
	}
	if next != conns || len(used) != conns/connsPerSource {
		t.Errorf("%d connections from %d addresses", next, len(used))
	}
	for from, n := range used {
		if n != connsPerSource {
			t.Errorf("%d connections from %v", n, from)
		}
	}
}
