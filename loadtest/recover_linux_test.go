package loadtest

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"
)

// recoveryRun is a small storm in which connections stay away for some publications, and recover.
func recoveryRun(url string, by DropKind) Config {
	cfg := livesRun(url, PhasePlan{Name: "before", Duration: tenths(3)},
		PhasePlan{Name: "storm", Duration: tenths(12), Drop: 0.5, DropBy: by, ReturnAfter: tenths(3), ReturnJitter: tenths(2)})
	cfg.Recover = true
	return cfg
}

func TestRecovery(t *testing.T) {
	for _, by := range []DropKind{DropClose, DropReset, DropSilent} {
		t.Run(string(by), func(t *testing.T) {
			t.Parallel()
			s := &pushServer{epoch: "ä\"1", away: 6}
			s.start(t)
			cfg := recoveryRun(s.url("/ws"), by)
			cfg.Processes, cfg.WorkerCommand = 2, []string{"env", workerVariable + "=1", os.Args[0]}
			r := mustRun(t, cfg)
			checkPhases(t, r)
			// From the first publication behind the last setup on, everybody is owed all.
			if want := r.Publications.Acknowledged * 60; r.Ledger.Expected != want || r.Ledger.BeforeLife != 0 {
				t.Errorf("%+v, want %d expected", r.Ledger, want)
			}
			c := r.Recovery
			if c.Returned != 30 || c.Recovered != 30 || c.NotRecovered != 0 || c.Back.Count != 30 || c.CaughtUp.Count != 30 || c.Publications < 30*5 {
				t.Errorf("%+v", c)
			}
			if p := r.Phases[1].Recovery; p.Returned != 30 || p.CaughtUp.P50 < 300_000 || p.CaughtUp.Count != p.Back.Count || r.Phases[0].Recovery.Returned != 0 {
				t.Errorf("%+v, %+v", r.Phases[0].Recovery, p)
			}
			// The time away is in no latency.
			if r.Latency.Count == 0 || r.Latency.Count > int64(r.Ledger.Received-c.Publications) || !r.Config.Recover {
				t.Errorf("%d latencies of %d deliveries, %d recovered", r.Latency.Count, r.Ledger.Received, c.Publications)
			}
		})
	}
}

func TestWhatAServerDoesToARecoveryIsTold(t *testing.T) {
	for _, c := range []struct {
		name   string
		missed func(missed [][]byte) ([][]byte, bool)
		check  func(l LedgerCounts, r *RecoveryReport) bool
		reason string
	}{
		{"loses one in the midst", func(m [][]byte) ([][]byte, bool) { return slices.Delete(slices.Clone(m), 3, 4), true },
			func(l LedgerCounts, r *RecoveryReport) bool {
				return l.Lost == 30 && l.Duplicated+l.Reordered+l.Unrecovered == 0 && r.Recovered == 30
			}, "30 deliveries lost"},
		{"loses the first", func(m [][]byte) ([][]byte, bool) { return m[1:], true },
			func(l LedgerCounts, r *RecoveryReport) bool { return l.Lost == 30 && l.Unrecovered == 0 }, "30 deliveries lost"},
		{"loses the last", func(m [][]byte) ([][]byte, bool) { return m[:len(m)-1], true },
			func(l LedgerCounts, r *RecoveryReport) bool { return l.Lost == 30 && l.Unrecovered == 0 }, "30 deliveries lost"},
		{"gives one twice", func(m [][]byte) ([][]byte, bool) { return append(m[:5:5], m[4:]...), true },
			func(l LedgerCounts, r *RecoveryReport) bool { return l.Duplicated == 30 && l.Lost == 0 }, "30 deliveries duplicated"},
		{"swaps two of a publisher", func(m [][]byte) ([][]byte, bool) {
			m = slices.Clone(m)
			m[0], m[3] = m[3], m[0] // three publishers take turns
			return m, true
		}, func(l LedgerCounts, r *RecoveryReport) bool { return l.Reordered == 30 && l.Lost == 0 }, "30 deliveries reordered"},
		{"says that it did not", func(m [][]byte) ([][]byte, bool) { return nil, false },
			func(l LedgerCounts, r *RecoveryReport) bool {
				return l.Lost == 0 && l.Unrecovered >= 30*5 && r.NotRecovered == 30 && r.Recovered+r.WithoutPosition+r.Publications == 0
			}, "30 returned connections not recovered"},
		{"says so, and gives a part", func(m [][]byte) ([][]byte, bool) { return m[2:], false },
			func(l LedgerCounts, r *RecoveryReport) bool {
				return l.Lost == 0 && l.Unrecovered == 60 && l.BeforeLife >= 30 && r.NotRecovered == 30
			}, "60 deliveries not recovered"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &pushServer{epoch: "e", missed: c.missed, away: 6}
			s.start(t)
			r := mustRun(t, recoveryRun(s.url("/ws"), DropReset))
			if reasons := strings.Join(r.Verdict.Reasons, "; "); r.Verdict.OK || !c.check(r.Ledger, r.Recovery) || !strings.Contains(reasons, c.reason) {
				t.Errorf("%+v\n%+v\n%s", r.Ledger, r.Recovery, reasons)
			}
			if l := r.Ledger; l.Expected != l.Received+l.Lost+l.Unrecovered || r.Phases[0].Unrecovered+r.Phases[1].Unrecovered != l.Unrecovered ||
				r.Phases[0].Expected+r.Phases[1].Expected != l.Expected {
				t.Errorf("%+v\n%+v", l, r.Phases)
			}
		})
	}
}

// TestRecoveryOverAgents has connections on two machines, which have other clocks, recover.
func TestRecoveryOverAgents(t *testing.T) {
	t.Parallel()
	s := &pushServer{epoch: "e"}
	s.start(t)
	cfg := recoveryRun(s.url("/ws"), DropReset)
	cfg.Agents, cfg.AgentToken, cfg.WorkerCommand = []Agent{{Address: startAgent(t, nil).address}, {Address: startAgent(t, nil).address}}, []byte(agentToken), testWorkerCommand()
	cfg.Drain = 20 * time.Second
	r := mustRun(t, cfg)
	checkPhases(t, r)
	if c := r.Recovery; c.Returned != 30 || c.Recovered != 30 || c.CaughtUp.Count != 30 {
		t.Errorf("%+v", c)
	}
}

func TestPositionIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(position{}); size != 32 {
		t.Errorf("%d bytes", size)
	}
}

// A server without a history gives no epoch: nobody can ask for anything.
func TestRecoveryFromAServerWithoutPositions(t *testing.T) {
	t.Parallel()
	s := &pushServer{}
	s.start(t)
	r := mustRun(t, recoveryRun(s.url("/ws"), DropReset))
	if c := r.Recovery; r.Verdict.OK || c.Returned != 30 || c.NotRecovered != 30 || c.WithoutPosition != 30 || r.Ledger.Unrecovered < 30*5 || r.Ledger.Lost > 0 {
		t.Errorf("%+v\n%+v\n%+v", c, r.Ledger, r.Verdict)
	}
}

// Who is not back in time has recovered nothing.
func TestUnrecoveredWhereNobodyComesBack(t *testing.T) {
	t.Parallel()
	s := &pushServer{epoch: "e"}
	s.start(t)
	cfg := recoveryRun(s.url("/ws"), DropReset)
	cfg.Phases[1].ReturnAfter, cfg.Drain = time.Minute, tenths(20)
	r := mustRun(t, cfg)
	// What is published before the loop gets to drop them reaches some of them.
	if p := r.Phases[1]; r.Verdict.OK || p.NotBack != 30 || p.Unrecovered == 0 || p.Delivered+p.Unrecovered != p.Expected || p.Expected != p.Published*60 || r.Ledger.Lost > 0 {
		t.Errorf("%+v\n%+v", r.Ledger, p)
	}
}

// A connection that the server ends, and one that is churned, recover as those that are dropped do; one that a ramp has taken
// away begins anew.
func TestRecoveryOfOtherBreaks(t *testing.T) {
	t.Parallel()
	var s *pushServer
	s = &pushServer{epoch: "e", publish: func(nth int) int {
		if nth == 5 {
			s.closeSubscriber(7, 1001)
		}
		return 200
	}}
	s.start(t)
	few, many := 30, 60
	cfg := livesRun(s.url("/ws"), PhasePlan{Name: "steady", Duration: tenths(5)}, PhasePlan{Name: "churn", Duration: tenths(5), Churn: 100},
		PhasePlan{Name: "down", Duration: tenths(2), Conns: &few}, PhasePlan{Name: "up", Duration: tenths(4), Conns: &many}, PhasePlan{Name: "rest", Duration: tenths(3)})
	cfg.Recover, cfg.Backoff = true, tenths(2)
	r := mustRun(t, cfg)
	c := r.Recovery
	if reasons := strings.Join(r.Verdict.Reasons, "; "); reasons != "1 connections ended early" || !r.Ledger.clean() {
		t.Errorf("%s: %+v", reasons, r.Ledger)
	}
	if churned := r.Phases[1].Churned; churned == 0 || c.Returned != churned+1 || c.Recovered != c.Returned || c.CaughtUp.Count != int64(c.Returned) ||
		r.Phases[0].Recovery.Returned != 1 {
		t.Errorf("%d churned, %+v", churned, c)
	}
}
