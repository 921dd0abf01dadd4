package show

import (
	"strings"
	"testing"

	"github.com/wsedge/wsedge/loadtest"
)

func someSteps() (steps []loadtest.Step) {
	for i, us := range []int64{500, 600, 900, 40000, 0} {
		s := loadtest.Step{Value: float64(int(10) << i), Attempt: 1, OK: i < 3, Run: "run"}
		s.Figures.Offered, s.Figures.Achieved = s.Value, s.Value
		s.Figures.Latency = loadtest.Percentiles{Count: us, P50: us / 2, P99: us, Max: 2 * us}
		if !s.OK {
			s.Cause, s.Reasons = loadtest.CauseFailed, []string{"2 deliveries <lost>"}
		}
		steps = append(steps, s)
	}
	cpu := 0.5
	steps[1].Figures.ServerCPU = &cpu
	return steps
}

func TestCurveHTML(t *testing.T) {
	knee := 40.0
	var page strings.Builder
	c := &loadtest.Curve{Scenario: loadtest.Fanout, URL: "ws://h/<b>", Over: loadtest.OverRate, Points: someSteps(), Knee: &knee, Saturated: &knee}
	if err := WriteCurveHTML(&page, c); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"curve of fanout ws://h/&lt;b&gt;", "Latency over rate", "knee at 40", "2 deliveries &lt;lost&gt;", "Messages per second"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(page.String(), "NaN") || strings.Contains(page.String(), "<script") {
		t.Error("NaN or a script in the page")
	}
	page.Reset()
	if err := WriteCurveHTML(&page, &loadtest.Curve{Over: loadtest.OverConns}); err != nil || strings.Contains(page.String(), "NaN") {
		t.Errorf("without points: %v", err)
	}
}

func TestSearchHTML(t *testing.T) {
	var page strings.Builder
	r := &loadtest.SearchResult{
		Scenario: loadtest.Echo, Over: loadtest.OverRate, Steps: someSteps(), Outcome: loadtest.SearchFound, Limit: 40, FailedAt: 80,
		LimitedBy: loadtest.CauseGenerator,
	}
	if err := WriteSearchHTML(&page, r); err != nil || !strings.Contains(page.String(), "GENERATOR") || !strings.Contains(page.String(), "INVALID") {
		t.Errorf("%v", err)
	}
}

func TestStepsCSV(t *testing.T) {
	var out strings.Builder
	if err := WriteStepsCSV(&out, loadtest.OverRate, someSteps()); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 6 || !strings.HasPrefix(lines[0], "rate,attempt,") || !strings.HasPrefix(lines[2], "20,1,run,true,,0,20,20,0,300,600,0,1200,,0,0,0.5,,") ||
		!strings.HasPrefix(lines[5], "160,1,run,false,failed,0,160,160,0,,,,,") {
		t.Errorf("%s", out.String())
	}
}

// A curve whose points were the generator's says so at its head, and says why below the table.
func TestCurveThatIsTheGenerators(t *testing.T) {
	step := func(value float64, cause string, reasons ...string) loadtest.Step {
		return loadtest.Step{Value: value, OK: cause == "", Cause: cause, Reasons: reasons, Figures: loadtest.StepFigures{Offered: value, Achieved: value}}
	}
	var page strings.Builder
	err := WriteCurveHTML(&page, &loadtest.Curve{Over: "rate", Points: []loadtest.Step{
		step(100, ""), step(200, loadtest.CauseGenerator, "2 of 100 send times were missed"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<strong>INVALID</strong>", "the bottleneck at 1 of 2 points", "<li>200: generator: 2 of 100 send times were missed</li>"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("%q is missing", want)
		}
	}
}
