package loadtest

import (
	"os"
	"testing"
	"time"
)

func TestIdle(t *testing.T) {
	for _, path := range []string{"/ws", "/ws/raw"} {
		s := &pushServer{}
		s.start(t)
		r := mustRun(t, Config{
			Scenario: Idle, URL: s.url(path), Conns: 10, Threads: 2, Duration: 20 * time.Millisecond, PID: os.Getpid(),
		})
		if !r.Verdict.OK || r.Connections.Established != 10 {
			t.Fatalf("%s: %v, %+v", path, r.Verdict, r.Connections)
		}
		if r.Server == nil || r.Server.Problem != "" || r.Server.RSSBefore == 0 || r.Server.CPUSecs <= 0 {
			t.Errorf("%s: %+v", path, r.Server)
		}
		s.mu.Lock()
		if len(s.subscribers) != 10 {
			t.Errorf("%s: %d subscribed", path, len(s.subscribers))
		}
		s.mu.Unlock()
	}
}

func TestIdleWithoutSubscription(t *testing.T) {
	s := &pushServer{}
	s.start(t)
	r := mustRun(t, Config{Scenario: Idle, URL: s.url("/ws"), Conns: 3, Duration: time.Millisecond, NoSubscribe: true})
	s.mu.Lock()
	defer s.mu.Unlock()
	if !r.Verdict.OK || len(s.subscribers) != 0 {
		t.Errorf("%v, %d subscribed", r.Verdict, len(s.subscribers))
	}
}

func TestStalledConnectionsMayBeEnded(t *testing.T) {
	s := &pushServer{}
	s.start(t)
	r := mustRun(t, Config{Scenario: Idle, URL: s.url("/ws"), Conns: 3, Duration: time.Millisecond, Stalled: true})
	if !r.Verdict.OK || r.Connections.Established != 3 {
		t.Errorf("%v, %+v", r.Verdict, r.Connections)
	}
}
