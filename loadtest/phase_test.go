package loadtest

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func phasedConfig(phases ...PhasePlan) Config {
	return Config{Scenario: Fanout, URL: "ws://h/ws", Conns: 100, Rate: 10, Phases: phases}
}

func TestPhasesTakeOverWhatWasBefore(t *testing.T) {
	up := 300
	c := phasedConfig(PhasePlan{Name: "a", Duration: time.Second}, PhasePlan{Name: "b", Duration: 2 * time.Second, Conns: &up, Rate: &Ramp{10, 50}},
		PhasePlan{Name: "c", Duration: time.Second, Drop: 0.5}).withDefaults()
	if err := c.validate(); err != nil {
		t.Fatal(err)
	}
	p := c.Phases
	if *p[0].Conns != 100 || *p[2].Conns != 300 || *p[0].Rate != (Ramp{10, 10}) || *p[2].Rate != (Ramp{50, 50}) || p[2].DropBy != DropClose {
		t.Errorf("%v", p)
	}
	if c.Conns != 300 || c.initial != 100 || c.Rate != 50 || c.Duration != 4*time.Second {
		t.Errorf("%+v", c)
	}
}

func TestPhasesThatMakeNoSense(t *testing.T) {
	none, ok := -1, time.Second
	cases := []struct {
		phase PhasePlan
		want  string
	}{
		{PhasePlan{Name: "Upper", Duration: ok}, `not "Upper"`},
		{PhasePlan{Name: "a"}, "duration must be"},
		{PhasePlan{Name: "a", Duration: ok, Conns: &none}, "conns must be"},
		{PhasePlan{Name: "a", Duration: ok, Churn: -1}, "churn must be"},
		{PhasePlan{Name: "a", Duration: ok, Drop: 2}, "shares from 0 to 1"},
		{PhasePlan{Name: "a", Duration: ok, Slow: -0.1}, "shares from 0 to 1"},
		{PhasePlan{Name: "a", Duration: ok, DropBy: "x"}, `not "x"`},
		{PhasePlan{Name: "a", Duration: ok, ReturnAfter: -1}, "must not be negative"},
		{PhasePlan{Name: "a", Duration: ok, ReturnRate: -1}, "return-rate must be"},
		{PhasePlan{Name: "a", Duration: ok, Trickle: -1}, "trickle must be"},
		{PhasePlan{Name: "a", Duration: ok, Trickle: 1}, "trickle goes with"},
		{PhasePlan{Name: "a", Duration: ok, ChurnRandom: true}, "churn-random goes with"},
		{PhasePlan{Name: "a", Duration: ok, DropBy: DropReset}, "go with drop only"},
		{PhasePlan{Name: "a", Duration: ok, ReturnAfter: 1}, "go with drop only"},
		{PhasePlan{Name: "a", Duration: ok, Rate: &Ramp{-1, 5}}, "rate must be"},
		{PhasePlan{Name: "a", Duration: ok, Rate: &Ramp{1, 5}, Arrivals: Arrivals{kind: arriveInBursts, burst: 2}}, "do not go with"},
	}
	for _, c := range cases {
		if err := phasedConfig(c.phase).Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %s", c.phase, err, c.want)
		}
	}
	quiet := phasedConfig(PhasePlan{Name: "a", Duration: ok})
	quiet.NoSubscribe = true
	idle := phasedConfig(PhasePlan{Name: "a", Duration: ok})
	idle.Scenario = Idle
	patient := phasedConfig(PhasePlan{Name: "a", Duration: ok})
	patient.Backoff = time.Minute
	for _, c := range []Config{quiet, idle, patient} {
		if c.Check() == nil {
			t.Errorf("%+v was taken", c)
		}
	}
}

func TestWindowOfPhases(t *testing.T) {
	w := windowOf([]PhasePlan{{Duration: 10, Unmeasured: true}, {Duration: 20}, {Duration: 5, Unmeasured: true}, {Duration: 5}}, 100)
	if w.Send != 100 || w.From != 110 || w.End != 140 {
		t.Errorf("%+v", w)
	}
	for at, want := range map[int64]bool{100: false, 109: false, 110: true, 129: true, 130: false, 134: false, 135: true, 139: true, 140: false} {
		if w.measures(at) != want {
			t.Errorf("%d: want %v", at, want)
		}
	}
	if w := windowOf([]PhasePlan{{Duration: 10, Unmeasured: true}}, 100); w.From != 110 || w.measures(105) {
		t.Errorf("%+v", w)
	}
}

func TestExpectationsNamePhases(t *testing.T) {
	e, err := ParseExpectation("phases.storm.back.last<5s")
	if err != nil {
		t.Fatal(err)
	}
	r := &Report{Phases: []PhaseReport{{Name: "before"}, {Name: "storm", Back: Back{Count: 1, Last: 4_000_000}}}}
	if got := e.Check(r); !got.OK {
		t.Errorf("%+v", got)
	}
	r.Phases[1].Back.Last *= 2
	if got := e.Check(r); got.OK || *got.Value != 8_000_000 {
		t.Errorf("%+v", got)
	}
	if got := e.Check(&Report{}); got.OK {
		t.Errorf("without phases: %+v", got)
	}
	for _, text := range []string{"phases.1.back.count==1", "phases.storm.latency.p99<1s", "slow.ledger.lost==0"} {
		if _, err := ParseExpectation(text); err != nil {
			t.Error(err)
		}
	}
	if e, err := ParseExpectation("lost==0"); err != nil || strings.Join(e.path, ".") != "ledger.lost" {
		t.Errorf("%v, %v", e.path, err)
	}
}

func TestPhasesReachTheWorkersAsTheyAre(t *testing.T) {
	c := phasedConfig(PhasePlan{Name: "a", Duration: time.Second, Slow: 0.25, Trickle: 3, Arrivals: Arrivals{kind: arriveAtRandom}}).withDefaults()
	text, err := json.Marshal(workerSpec{Phases: c.Phases})
	if err != nil {
		t.Fatal(err)
	}
	var spec workerSpec
	if err := json.Unmarshal(text, &spec); err != nil || spec.Phases[0].String() != c.Phases[0].String() {
		t.Errorf("%v: %v, want %v", err, spec.Phases, c.Phases)
	}
}
