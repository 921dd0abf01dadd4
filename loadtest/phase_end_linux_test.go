package loadtest

import (
	"net/http"
	"os"
	"testing"
	"time"
)

// TestRampToTheVeryEnd has a last phase in which connections are opened: the last of them is due at the phase's end.
func TestRampToTheVeryEnd(t *testing.T) {
	t.Parallel()
	s := &pushServer{}
	s.start(t)
	more := 70
	r := mustRun(t, livesRun(s.url("/ws"), PhasePlan{Name: "up", Duration: tenths(3), Conns: &more}))
	checkPhases(t, r)
	if p := r.Phases[0]; p.Opened != 10 || p.Established != 10 || r.Connections.Established != 70 {
		t.Errorf("%+v\n%+v", p, r.Connections)
	}
}

// TestChurnWithoutReturn has a server that takes nobody a second time: connections that were ended to come back at once are
// missing at the end, whether they are tried again or not.
func TestChurnWithoutReturn(t *testing.T) {
	for name, noRetry := range map[string]bool{"tried again": false, "tried once": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &pushServer{admit: func(nth int) int {
				if nth >= 60 {
					return http.StatusServiceUnavailable
				}
				return http.StatusSwitchingProtocols
			}}
			s.start(t)
			cfg := livesRun(s.url("/ws"), PhasePlan{Name: "churn", Duration: tenths(3), Churn: 50})
			cfg.Backoff, cfg.NoRetry = 10*time.Millisecond, noRetry
			r := mustRun(t, cfg)
			if p := r.Phases[0]; r.Verdict.OK || p.Churned == 0 || p.NotBack != p.Churned || p.Established != 0 {
				t.Errorf("%+v\n%+v", r.Verdict, p)
			}
		})
	}
}

// TestDropBesideSlow drops half of the connections, of which half are slow in another phase: the share is that of the others.
func TestDropBesideSlow(t *testing.T) {
	t.Parallel()
	s := &pushServer{}
	s.start(t)
	r := mustRun(t, livesRun(s.url("/ws"), PhasePlan{Name: "slow", Duration: tenths(2), Slow: 0.5, Trickle: 1 << 20},
		PhasePlan{Name: "storm", Duration: tenths(5), Drop: 0.5}))
	if p := r.Phases[1]; p.Dropped != 15 || p.NotBack != 0 {
		t.Errorf("%+v", p)
	}
}

// TestServerOfRestingPhases has nothing published at all: the server's CPU time is that of the window nevertheless.
func TestServerOfRestingPhases(t *testing.T) {
	t.Parallel()
	s := &pushServer{}
	s.start(t)
	cfg := livesRun(s.url("/ws"), PhasePlan{Name: "rest", Duration: tenths(2), Rate: &Ramp{}},
		PhasePlan{Name: "churn", Duration: tenths(2), Rate: &Ramp{}, Churn: 100})
	cfg.PID = os.Getpid()
	r := mustRun(t, cfg)
	if r.Server == nil || r.Server.WindowSecs < 0.39 || r.Server.CPUSecs == 0 {
		t.Errorf("%+v", r.Server)
	}
}
