package loadtest

import (
	"net/http"
	"os"
	"testing"
	"time"
)

// livesRun is a small run with phases.
func livesRun(url string, phases ...PhasePlan) Config {
	return Config{
		Scenario: Fanout, URL: url, Conns: 60, Rate: 40, Threads: 2, Seed: 7, Publishers: 3, Drain: patience, Phases: phases,
	}
}

func tenths(n int) time.Duration { return time.Duration(n) * 100 * time.Millisecond }

// checkPhases compares what must be so with every phase of a run that went well.
func checkPhases(t *testing.T, r *Report) {
	t.Helper()
	if !r.Verdict.OK || !r.Ledger.clean() || r.Ledger.Expected == 0 || r.Ledger.Received != r.Ledger.Expected {
		t.Errorf("verdict %+v, ledger %+v, errors %s", r.Verdict, r.Ledger, r.Errors.line())
	}
	published, expected, lost := uint64(0), uint64(0), uint64(0)
	for _, p := range r.Phases {
		published, expected, lost = published+p.Published, expected+p.Expected, lost+p.Lost
		if p.NotBack > 0 || p.Ended > 0 {
			t.Errorf("phase %+v", p)
		}
	}
	if published != r.Publications.Acknowledged || expected != r.Ledger.Expected || lost != r.Ledger.Lost {
		t.Errorf("the phases say %d published, %d expected, %d lost; in all %+v, %+v", published, expected, lost, r.Publications, r.Ledger)
	}
}

func TestChurn(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/ws", "/ws/raw"} {
		s := &pushServer{}
		s.start(t)
		r := mustRun(t, livesRun(s.url(path), PhasePlan{Name: "warmup", Duration: tenths(2), Unmeasured: true},
			PhasePlan{Name: "churn", Duration: tenths(6), Churn: 100}))
		checkPhases(t, r)
		churn := r.Phases[1]
		if churn.Churned+churn.ChurnMissed != 60 || churn.Churned == 0 || churn.Left != churn.Churned || churn.Reconnect.Count == 0 ||
			churn.Connect.Count == 0 || r.Connections.Established != 60 || r.Config.Conns != 60 {
			t.Errorf("%+v\n%+v", churn, r.Connections)
		}
		if r.Latency.Count != churn.Latency.Count || r.Phases[0].Latency.Count == 0 || r.Phases[0].Measured {
			t.Errorf("measured %d, the phases %d and %d", r.Latency.Count, r.Phases[0].Latency.Count, churn.Latency.Count)
		}
	}
}

func TestStormOverSeveralProcesses(t *testing.T) {
	for _, by := range []DropKind{DropClose, DropReset, DropSilent} {
		t.Run(string(by), func(t *testing.T) {
			t.Parallel()
			checkStorm(t, by)
		})
	}
}

func checkStorm(t *testing.T, by DropKind) {
	s := &pushServer{}
	s.start(t)
	cfg := livesRun(s.url("/ws"), PhasePlan{Name: "before", Duration: tenths(2)},
		PhasePlan{Name: "storm", Duration: tenths(20), Drop: 0.5, DropBy: by, ReturnAfter: tenths(1), ReturnJitter: tenths(1)})
	cfg.Processes = 2
	cfg.WorkerCommand = []string{"env", workerVariable + "=1", os.Args[0]}
	r := mustRun(t, cfg)
	checkPhases(t, r)
	storm := r.Phases[1]
	if storm.Dropped != 30 || storm.Back.Count != 30 || storm.Back.First < 100_000 || storm.Back.Last < storm.Back.First ||
		storm.Conns != 60 || r.Phases[0].Conns != 60 {
		t.Errorf("%+v", storm)
	}
}

func TestRetries(t *testing.T) {
	t.Parallel()
	s := &pushServer{admit: func(nth int) int {
		if nth >= 60 && nth%2 == 0 { // every other reconnect
			return http.StatusServiceUnavailable
		}
		return http.StatusSwitchingProtocols
	}}
	s.start(t)
	cfg := livesRun(s.url("/ws"), PhasePlan{Name: "storm", Duration: tenths(20), Drop: 1})
	cfg.Backoff = time.Millisecond
	r := mustRun(t, cfg)
	checkPhases(t, r)
	if p := r.Phases[0]; p.Retried == 0 || p.Retried != p.Failed || r.Connections.Retries["handshake: status 503"] != p.Retried ||
		r.Errors.HTTPStatus["503"] != p.Retried || p.Opened != p.Retried+60 {
		t.Errorf("%+v\n%+v", p, r.Connections)
	}
	cfg.NoRetry = true
	if r = mustRun(t, cfg); r.Verdict.OK || r.Phases[0].NotBack == 0 || r.Phases[0].Retried != 0 {
		t.Errorf("%+v %+v", r.Verdict, r.Phases[0])
	}
}

func TestRamps(t *testing.T) {
	t.Parallel()
	s := &pushServer{}
	s.start(t)
	up, down, none := 90, 20, 0
	r := mustRun(t, livesRun(s.url("/ws"), PhasePlan{Name: "up", Duration: tenths(3), Conns: &up, Rate: &Ramp{0, 100}},
		PhasePlan{Name: "rest", Duration: tenths(6), Rate: &Ramp{}}, PhasePlan{Name: "down", Duration: tenths(2), Conns: &down, Rate: &Ramp{100, 100}},
		PhasePlan{Name: "none", Duration: tenths(1), Conns: &none}))
	checkPhases(t, r)
	if p := r.Phases; p[0].Opened+p[1].Opened != 30 || p[1].Conns != 90 || p[2].Left+p[3].Left != 90 ||
		p[0].Published != 15 || p[1].Published != 0 || p[2].Published != 20 || r.Config.Conns != 90 {
		t.Errorf("%+v", p)
	}
}

func TestSlowConnections(t *testing.T) {
	t.Parallel()
	for _, trickle := range []int{0, 20000} {
		s := &pushServer{}
		s.start(t)
		r := mustRun(t, livesRun(s.url("/ws"), PhasePlan{Name: "healthy", Duration: tenths(3)},
			PhasePlan{Name: "slow", Duration: tenths(4), Slow: 0.1, Trickle: trickle}))
		checkPhases(t, r)
		if r.Slow == nil || r.Slow.Established != 6 || r.Slow.Ledger.Received == 0 || !r.Slow.Ledger.clean() {
			t.Fatalf("%+v", r.Slow)
		}
		// Twelve publications before, to 54 and 6 connections, and sixteen while six were slow.
		if all := uint64(6 * (12 + 16)); trickle == 0 && r.Slow.Ledger.Received >= all || trickle > 0 && r.Slow.Ledger.Received <= 6*12 {
			t.Errorf("trickle %d: %+v of %d", trickle, r.Slow.Ledger, all)
		}
		if r.Ledger.Expected != 54*28 {
			t.Errorf("%+v", r.Ledger)
		}
	}
}

func TestWhatAServerDoesToAReturnIsTold(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		faulty func(s *pushServer)
		check  func(r *Report) bool
	}{
		{"gives what was before", func(s *pushServer) { s.replay = 3 },
			func(r *Report) bool { return r.Verdict.OK && r.Ledger.BeforeLife > 0 && r.Ledger.Lost == 0 }},
		{"gives it twice", func(s *pushServer) { s.replay, s.replayTwice = 3, true },
			func(r *Report) bool { return !r.Verdict.OK && r.Ledger.Duplicated > 0 }},
		{"forgets to deliver", func(s *pushServer) { s.skipReturned = 3 },
			func(r *Report) bool { return !r.Verdict.OK && r.Ledger.Lost > 0 && r.Phases[0].Lost == r.Ledger.Lost }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := &pushServer{}
			c.faulty(s)
			s.start(t)
			cfg := livesRun(s.url("/ws"), PhasePlan{Name: "churn", Duration: tenths(8), Churn: 50})
			if s.skipReturned > 0 {
				cfg.Drain = tenths(5) // some never get the last one
			}
			r := mustRun(t, cfg)
			if !c.check(r) {
				t.Errorf("%+v\n%+v", r.Ledger, r.Verdict)
			}
		})
	}
}

func TestChurnWithoutPublications(t *testing.T) {
	t.Parallel()
	s := &pushServer{}
	s.start(t)
	cfg := livesRun(s.url("/echo"), PhasePlan{Name: "churn", Duration: tenths(4), Churn: 200, ChurnRandom: true})
	cfg.Rate, cfg.NoSubscribe = 0, true
	r := mustRun(t, cfg)
	if p := r.Phases[0]; !r.Verdict.OK || p.Churned == 0 || p.Churned+p.ChurnMissed != 80 || p.Published != 0 || r.Ledger.Expected != 0 {
		t.Errorf("%+v\n%+v", r.Verdict, p)
	}
}

func TestSlowConnectionsThatTheServerEnds(t *testing.T) {
	t.Parallel()
	var s *pushServer
	s = &pushServer{publish: func(nth int) int {
		if nth == 3 {
			s.closeSubscriber(0, 1008)
		}
		return http.StatusOK
	}}
	s.start(t)
	cfg := livesRun(s.url("/ws"), PhasePlan{Name: "slow", Duration: tenths(4), Slow: 1, Trickle: 1 << 20})
	cfg.Conns = 1
	r := mustRun(t, cfg)
	if !r.Verdict.OK || r.Slow.Ended != 1 || r.Slow.Endings["close 1008 bye"] != 1 || r.Phases[0].Ended != 1 || len(r.Connections.Endings) != 0 {
		t.Errorf("%+v\n%+v\n%+v", r.Verdict, r.Slow, r.Phases)
	}
}

func TestConnectionsThatTheServerEndsComeBack(t *testing.T) {
	t.Parallel()
	var s *pushServer
	s = &pushServer{publish: func(nth int) int {
		if nth == 5 {
			s.closeSubscriber(7, 1001)
		}
		return http.StatusOK
	}}
	s.start(t)
	cfg := livesRun(s.url("/ws"), PhasePlan{Name: "steady", Duration: tenths(10)})
	cfg.Backoff = time.Millisecond
	r := mustRun(t, cfg)
	if p := r.Phases[0]; r.Verdict.OK || r.Connections.Endings["close 1001 bye"] != 1 || p.Ended != 1 || p.Reconnect.Count != 1 || p.Conns != 60 ||
		r.Ledger.Lost != 0 {
		t.Errorf("%+v\n%+v\n%+v", r.Connections, p, r.Ledger)
	}
}

// TestPhasesOverTLS has several lives over TLS.
func TestPhasesOverTLS(t *testing.T) {
	t.Parallel()
	s := &pushServer{}
	s.startTLS(t, nil)
	few, many := 30, 60
	cfg := livesRun(s.url("/ws"), PhasePlan{Name: "churn", Duration: tenths(5), Churn: 60},
		PhasePlan{Name: "reset", Duration: tenths(5), Drop: 0.5, DropBy: DropReset}, PhasePlan{Name: "down", Duration: tenths(1), Conns: &few},
		PhasePlan{Name: "up", Duration: tenths(1), Conns: &many}, PhasePlan{Name: "silent", Duration: tenths(10), Drop: 0.2, DropBy: DropSilent},
		PhasePlan{Name: "slow", Duration: tenths(3), Slow: 0.1, Trickle: 5000})
	cfg.TLS.CA = testAuthority.PEM()
	r := mustRun(t, cfg)
	checkPhases(t, r)
	if r.Phases[0].Churned == 0 || r.Phases[1].Dropped == 0 || r.Phases[4].Back.Count == 0 || r.TLS.Agreed.Versions["TLS 1.3"] <= 60 || r.Slow.Established == 0 {
		t.Errorf("%+v\n%+v", r.Phases, r.TLS)
	}
}
