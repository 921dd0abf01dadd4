package main

import (
	"strings"
	"testing"

	"github.com/wsedge/wsedge/loadtest"
)

// TestExitCodesOfReports has all four outcomes meet.
func TestExitCodesOfReports(t *testing.T) {
	met, missed := loadtest.ExpectationResult{OK: true, Line: "p50<1s: ok"}, loadtest.ExpectationResult{Line: "lost==0: FAILED: it is 3"}
	cases := []struct {
		verdict loadtest.Verdict
		expect  []loadtest.ExpectationResult
		accept  bool
		code    int
	}{
		{loadtest.Verdict{OK: true}, nil, false, exitOK},
		{loadtest.Verdict{OK: true}, []loadtest.ExpectationResult{met}, false, exitOK},
		{loadtest.Verdict{OK: true}, []loadtest.ExpectationResult{met, missed}, false, exitUnexpected},
		{loadtest.Verdict{}, []loadtest.ExpectationResult{missed}, false, exitFailed},
		{loadtest.Verdict{OK: true, Invalid: true}, []loadtest.ExpectationResult{missed}, false, exitInvalid},
		{loadtest.Verdict{OK: true, Invalid: true}, []loadtest.ExpectationResult{missed}, true, exitUnexpected},
		{loadtest.Verdict{OK: true, Invalid: true}, nil, true, exitOK},
		{loadtest.Verdict{Invalid: true}, nil, false, exitFailed},
	}
	for _, c := range cases {
		var stderr strings.Builder
		report := &loadtest.Report{Verdict: c.verdict, Expectations: c.expect}
		if got := exitCode(report, c.accept, &stderr); got != c.code {
			t.Errorf("%+v, %v, accepted %v: exit %d, want %d", c.verdict, c.expect, c.accept, got, c.code)
		}
		if report.MeetsExpectations() != (stderr.Len() == 0) || strings.Contains(stderr.String(), "p50") {
			t.Errorf("%v: said %q", c.expect, stderr.String())
		}
	}
}
