package main

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden file")

// line is a run of 1,000 connections as wsload would report it.
func line(t *testing.T, server, scenario string, round int, cpu float64, lost int64) []byte {
	t.Helper()
	var r report
	r.Config.Scenario, r.Config.Conns, r.Config.Payload, r.Config.Rate, r.Config.Duration = scenario, 1000, 128, 8.5, 3
	if scenario == "fanout" {
		r.Config.Outstanding = 1
	}
	r.Connections.Established = 1000
	r.Ledger.Lost = lost
	r.Latency = percentiles{P50: 1234, P99: 45678, Max: 99999}
	r.Completion = percentiles{P99: 56789}
	r.Messages.Measured = 24000
	r.Server.CPU, r.Server.Window, r.Server.Delivery, r.Server.Setup = cpu*0.024, 3, cpu, 40
	r.Server.Before, r.Server.Settled, r.Server.After = 5e6, 6e6, 7e6
	if lost > 0 {
		r.Connections.Endings = map[string]int{"reset": 2}
		r.Generator.Bottleneck, r.Generator.Reasons = true, []string{"9 of 24 send times were missed"}
	}
	var whole map[string]any
	text, err := json.Marshal(r)
	if err == nil {
		err = json.Unmarshal(text, &whole)
	}
	if err != nil {
		t.Fatal(err)
	}
	whole["environment"] = map[string]any{"host": "secret", "cores": 4}
	whole["command"] = []string{"secret"}
	whole["seconds"] = []int{1}
	text, err = json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := keep(server, round, int(min(lost, 1)), text)
	if err != nil {
		t.Fatal(err)
	}
	return append(kept, '\n')
}

func TestPage(t *testing.T) {
	var lines []byte
	for round, cpu := range []float64{5, 7, 6} {
		lines = append(lines, line(t, "floor", "fanout", round+1, cpu, 0)...)
		lines = append(lines, line(t, "wsedge", "fanout", round+1, cpu+1.5, 0)...)
		lines = append(lines, line(t, "other", "fanout", round+1, 2*cpu, int64(1000*round))...)
		lines = append(lines, line(t, "wsedge", "echo", round+1, cpu, 0)...)
		lines = append(lines, line(t, "other", "echo", round+1, 2*cpu, 0)...)
	}
	if strings.Contains(string(lines), "secret") || strings.Contains(string(lines), "seconds") {
		t.Error("a line tells of the machine, or of the course over time")
	}
	runs, err := parse(lines)
	if err != nil {
		t.Fatal(err)
	}
	got := markdown(runs, "commit abc\n")
	const golden = "testdata/page.md"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the page is not as in %s (-update writes it):\n%s", golden, got)
	}
}

func TestParseNamesTheLine(t *testing.T) {
	_, err := parse([]byte("{}\nx\n"))
	if err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("error %v, want one of line 2", err)
	}
}

func TestMedianAndGrouping(t *testing.T) {
	for _, test := range []struct {
		cpu  []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1}, 5}, {[]float64{9, 1, 2}, 2}} {
		var runs []run
		for _, v := range test.cpu {
			runs = append(runs, run{})
			runs[len(runs)-1].Report.Server.CPU = v
		}
		if got := median(runs, func(r *report) float64 { return r.Server.CPU }); got != test.want {
			t.Errorf("median of %v is %v, want %v", test.cpu, got, test.want)
		}
	}
	for v, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567"} {
		if got := grouped(v); got != want {
			t.Errorf("%v is shown as %s, want %s", v, got, want)
		}
	}
}
