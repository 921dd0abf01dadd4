package loadtest

import (
	"maps"
	"strings"
	"testing"
)

var metricsSample = `# HELP go_goroutines Number of goroutines that currently exist.
# TYPE go_goroutines gauge
go_goroutines 12
go_gc_duration_seconds{quantile="0.5"} 3.1e-05
go_gc_duration_seconds_sum 0.25
go_gc_duration_seconds_count 17
process_cpu_seconds_total{instance="a}\"",x="y"} 1.5 1700000000000
process_cpu_seconds_total{instance="b"} 2
http_bucket{le="+Inf"} 3 # {trace_id="x"} 0.5
nan NaN
# EOF
`

func TestParseMetrics(t *testing.T) {
	wanted := map[string]bool{"go_goroutines": true, "go_gc_duration_seconds_sum": true, "process_cpu_seconds_total": true, "http_bucket": true}
	got, err := parseMetrics(strings.NewReader(metricsSample), wanted)
	want := map[string]float64{"go_goroutines": 12, "go_gc_duration_seconds_sum": 0.25, "process_cpu_seconds_total": 3.5, "http_bucket": 3}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	for bad, message := range map[string]string{
		"a":                                   "no value",
		"a ":                                  "no value",
		"ok 1\na{x=\"y\" 1":                   "line 2: labels without an end",
		"a{x=\"}":                             "labels without an end",
		"a one":                               `"one" is no number`,
		"a 1 2 3":                             "want a value",
		"1a 1":                                "no name",
		"<html>":                              "no value",
		"<html lang=en>":                      "no name",
		strings.Repeat("x", maxMetricsLine+1): "longer than",
		strings.Repeat("# comment of some length\n", maxMetricsBytes/25+1): "more than",
	} {
		if _, err := parseMetrics(strings.NewReader(bad), wanted); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%.40q: %v, want %q", bad, err, message)
		}
	}
}

func FuzzParseMetrics(f *testing.F) {
	f.Add(metricsSample)
	f.Add("a{b=\"\\")
	f.Fuzz(func(t *testing.T, text string) {
		all := map[string]bool{"a": true, "go_goroutines": true}
		values, err := parseMetrics(strings.NewReader(text), all)
		for name := range values {
			if err != nil || !all[name] {
				t.Errorf("%q, %v", name, err)
			}
		}
	})
}
