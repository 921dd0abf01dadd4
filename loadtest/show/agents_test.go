package show

import (
	"strings"
	"testing"

	"github.com/wsedge/wsedge/loadtest"
)

func TestAgentsOnThePage(t *testing.T) {
	r := &loadtest.Report{ClockReasons: []string{"the clock of agent 10.0.0.2:7070 is vague"}, Agents: []loadtest.AgentReport{{
		Address: "10.0.0.2:7070", Established: 5000, Processes: 2, Threads: 2, Environment: loadtest.Environment{UsableCores: 8, Host: "load-2"},
		Clock: loadtest.AgentClock{Uncertainty: 41.4, DriftPPM: -3.14}, Warnings: []string{"7 deliveries were noted before they were sent"},
	}}}
	r.Verdict.Invalid = true
	var page strings.Builder
	if err := WriteHTML(&page, r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"10.0.0.2:7070", "of 8 cores", "± 41 µs", "-3.14 ppm", "load-2", "7 deliveries were noted", "agent 10.0.0.2:7070 is vague"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("no %q on the page", want)
		}
	}
	if agentsTable(&loadtest.Report{}).Rows != nil {
		t.Error("a table without agents")
	}
}
