package loadtest

import (
	"strings"
	"testing"
	"time"
)

// TestSweepsOverTLSTopicsAndProtocols searches and draws a curve with real servers, one step after the other.
func TestSweepsOverTLSTopicsAndProtocols(t *testing.T) {
	t.Parallel()
	secure := &pushServer{}
	secure.startTLS(t, nil)
	overTLS := shortFanout(secure.url("/ws"))
	overTLS.Conns, overTLS.TLS.CA = 10, testAuthority.PEM()

	topics := shortTalk(t, centrifugoLike().start(t), "centrifugo")
	topics.Conns, topics.Topics = 20, 4

	for name, cfg := range map[string]Config{"wss": overTLS, "topics": topics} {
		cfg.Drain = 10 * time.Second
		result, err := Search(t.Context(), SearchConfig{
			Config: cfg, Over: OverRate, From: 100, To: 200, Goals: goals(t, "lost==0"), Precision: 0.5, AcceptInvalid: true, Pause: time.Millisecond,
		})
		if err != nil || result.Outcome != SearchAlways || len(result.Steps) == 0 {
			t.Errorf("%s: %v, %+v", name, err, result)
		}
		curve, err := RunCurve(t.Context(), CurveConfig{Config: cfg, Over: OverConns, From: 10, To: 30, Points: 3, Pause: time.Millisecond})
		if err != nil || len(curve.Points) != 3 {
			t.Fatalf("%s: %v, %+v", name, err, curve)
		}
		for _, p := range append(result.Steps, curve.Points...) {
			if p.Cause == CauseFailed || p.Figures.Lost > 0 || p.Figures.Latency.Count == 0 {
				t.Errorf("%s: %+v", name, p)
			}
		}
	}
}

// TestReceiversOfTopics has each publication reach a fifth of the connections.
func TestReceiversOfTopics(t *testing.T) {
	r := &Report{
		Config: ConfigEcho{Scenario: Fanout, Rate: 100}, Topics: TopicCounts{Count: 5}, Connections: Connections{Established: 50},
		Publications: PublicationCounts{Acknowledged: 300}, Ledger: LedgerCounts{Expected: 3000}, Messages: Messages{InWindow: 2000},
		Window: Window{FromSecs: 1, EndSecs: 3},
	}
	if f := stepFigures(r); f.Achieved != 100 || f.Deliveries != 1000 || f.Behind {
		t.Errorf("%+v", f)
	}
	if r.Topics.Count = 1; stepFigures(r).Achieved != 20 {
		t.Errorf("%+v", stepFigures(r))
	}
}

func TestNothingToVaryInPhases(t *testing.T) {
	cfg := phasedConfig(PhasePlan{Name: "a", Duration: time.Second})
	_, searched := Search(t.Context(), SearchConfig{Config: cfg, Over: OverRate, From: 1, To: 2, Goals: goals(t, "lost==0")})
	_, drawn := RunCurve(t.Context(), CurveConfig{Config: cfg, Over: OverConns})
	cfg.Floor.Rounds = 1
	for _, err := range []error{searched, drawn, cfg.Check()} {
		if err == nil || !strings.Contains(err.Error(), "phases") {
			t.Errorf("%v", err)
		}
	}
}
