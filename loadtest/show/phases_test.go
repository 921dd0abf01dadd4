package show

import (
	"strings"
	"testing"

	"github.com/wsedge/wsedge/loadtest"
)

func TestPhasesOnThePage(t *testing.T) {
	r := fanout()
	r.Config.Name = "night"
	r.Phases = []loadtest.PhaseReport{
		{Name: "before", FromSecs: 0.5, EndSecs: 2.5, Conns: 1000, Published: 16},
		{Name: "a-very-long-name-for-a-phase", FromSecs: 2.5, EndSecs: 3},
		{Name: "storm", FromSecs: 3, EndSecs: 4.5, Dropped: 12345, Back: loadtest.Back{Count: 12345, Last: 7_000_000},
			Recovery: &loadtest.RecoveryReport{Returned: 45678, CaughtUp: loadtest.Percentiles{Count: 1, Max: 8_000_000}}, Unrecovered: 34567},
	}
	r.Config.Recover, r.Ledger.Unrecovered = true, 23456
	r.Slow = &loadtest.SlowReport{Established: 54321}
	var page strings.Builder
	if err := WriteHTML(&page, r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"wsload night", "<title>a-very-long-name-for-a-phase</title>", ">storm</text>", "12,345", "54,321", "7 s", "45,678", "8 s", "34,567", "23,456", "Every other phase is shaded.",
	} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page has no %q", want)
		}
	}
	if strings.Contains(page.String(), ">a-very-long-name-for-a-phase</text>") {
		t.Error("a name stands in a band that is too small for it")
	}
}
