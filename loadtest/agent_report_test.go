package loadtest

import (
	"strings"
	"testing"
)

func TestJudgeClock(t *testing.T) {
	measured := Percentiles{Count: 100, P50: 1000, P99: 5000}
	cases := []struct {
		name              string
		scenario          Scenario
		uncertainty       float64
		early             uint64
		latency           Percentiles
		invalid, warnings string
	}{
		{"good", Fanout, 100, 0, measured, "", ""},
		{"vague for p50", Fanout, 101, 0, measured, "", "known to within 101 µs, where p50 is 1 ms"},
		{"vague for p99", Fanout, 501, 0, measured, "known to within 501 µs, where p99 is 5 ms", ""},
		{"early", Fanout, 1, 7, measured, "", "7 deliveries were noted before they were sent"},
		{"an echo needs no clock", Echo, 1e6, 0, measured, "", ""},
		{"nothing measured", Fanout, 1e6, 0, Percentiles{}, "", ""},
	}
	for _, c := range cases {
		a := AgentReport{Address: "a:1", Clock: AgentClock{Uncertainty: c.uncertainty, Early: c.early}}
		invalid := a.judgeClock(c.scenario, c.latency)
		warnings := strings.Join(a.Warnings, "; ")
		if !strings.Contains(invalid, c.invalid) || (c.invalid == "") != (invalid == "") || !strings.Contains(warnings, c.warnings) ||
			(c.warnings == "") != (warnings == "") {
			t.Errorf("%s: %q, %q", c.name, invalid, warnings)
		}
	}
}

func TestJudgeCPUOfAMachine(t *testing.T) {
	a := AgentReport{Address: "a:1", CPUBusy: 0.85}
	if reason := a.judgeCPU(); reason != "" {
		t.Error(reason)
	}
	a.CPUBusy = 0.9
	if reason := a.judgeCPU(); reason != "agent a:1 used 90 % of its machine's CPU time" {
		t.Error(reason)
	}
}

func TestVagueClocksAreInvalidByThemselves(t *testing.T) {
	r := &Report{ClockReasons: []string{"the clock of agent a:1 is vague"}}
	r.Config.Scenario = Idle
	r.judge()
	var text strings.Builder
	if err := r.WriteText(&text); err != nil || !r.Verdict.Invalid || r.Generator.Bottleneck {
		t.Errorf("%v, %+v", err, r.Verdict)
	}
	if !strings.Contains(text.String(), "INVALID: the clock of agent a:1 is vague") || strings.Contains(text.String(), "the generator was") {
		t.Error(text.String())
	}
}
