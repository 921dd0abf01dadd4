package loadtest

import "testing"

func figures(cpu float64) FloorFigures { return FloorFigures{CPUPerDelivery: &cpu} }

func TestRatios(t *testing.T) {
	runs := []FloorRun{
		{Floor: true, Figures: figures(2)}, {Figures: figures(6)}, {Floor: true, Figures: figures(4)}, // 6 / 3
		{Figures: figures(5)}, {Floor: true, Figures: figures(6)}, // 5 / 5
		{Figures: figures(70)}, {Floor: true, Figures: figures(8)}, // 70 / 7
	}
	if r := ratiosOf(runs); r.CPUPerDelivery == nil || *r.CPUPerDelivery != 2 || r.P99 != nil {
		t.Errorf("%+v", r)
	}
	if r := ratiosOf(runs[:2]); r.CPUPerDelivery != nil {
		t.Error("a ratio without the floor's second run")
	}
	if r := ratiosOf([]FloorRun{{Figures: figures(0)}, {Figures: figures(1)}, {}}); r.CPUPerDelivery != nil {
		t.Error("a ratio to nothing")
	}
}

func TestChooseReport(t *testing.T) {
	report := func(run string, cpu float64, ok, invalid bool) *Report {
		return &Report{Run: run, Server: &Server{CPUPerDelivery: cpu}, Verdict: Verdict{OK: ok, Invalid: invalid}}
	}
	a, b, c := report("a", 3, true, false), report("b", 1, true, false), report("c", 2, true, false)
	invalid, failed := report("invalid", 1, true, true), report("failed", 1, false, false)
	for _, list := range []struct {
		reports []*Report
		want    *Report
	}{{[]*Report{a}, a}, {[]*Report{a, b, c}, c}, {[]*Report{a, b, invalid}, invalid}, {[]*Report{invalid, a, failed}, failed}} {
		if got := (&FloorReport{}).choose(list.reports); got != list.want {
			t.Errorf("chosen %s, want %s", got.Run, list.want.Run)
		}
	}
}
