package main

import (
	"os"
	"strings"
	"testing"
)

func TestScenarioFileRuns(t *testing.T) {
	dir := t.TempDir()
	text, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, "scenario.yaml", strings.Replace(string(text), "last<2s", "last<60s", 1)) // how soon they are back, with a server in the test, is the machine's
	var stdout, stderr strings.Builder
	code := run([]string{"run", file, "--url", startPushServer(t), "--quiet", "--settle", "0s", "--drain", "30s", "--accept-invalid", "--json", dir + "/r.json",
		"--html", dir + "/r.html", "--csv", dir + "/r.csv"}, strings.NewReader(""), &stdout, &stderr)
	if code != exitOK {
		t.Fatalf("exit %d\n%s\n%s", code, stdout.String(), stderr.String())
	}
	r, err := readResult(dir + "/r.json")
	if err != nil {
		t.Fatal(err)
	}
	if r.Config.Name != "scenario" || len(r.Phases) != 4 || r.Phases[2].Dropped == 0 || r.Phases[1].Churned == 0 || r.Slow == nil ||
		!strings.Contains(stdout.String(), "phase storm") {
		t.Errorf("%+v\n%s", r.Phases, stdout.String())
	}
}
