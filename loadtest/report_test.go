package loadtest

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestVerdict(t *testing.T) {
	good := func() *Report {
		return &Report{
			Config:       ConfigEcho{Scenario: Fanout},
			Connections:  Connections{Wanted: 2, Established: 2},
			Publications: PublicationCounts{Scheduled: 1, Acknowledged: 1},
			Ledger:       LedgerCounts{Expected: 2, Received: 2},
		}
	}
	cases := []struct {
		change func(*Report)
		reason string // "" is a good run
	}{
		{func(*Report) {}, ""},
		{func(r *Report) { r.Publications.Refused = 3 }, ""},
		{func(r *Report) { r.Ledger.Unconfirmed = 1 }, ""},
		{func(r *Report) { r.Connections.Established = 1 }, "1 connections not established"},
		{func(r *Report) { r.Connections.Endings = map[string]uint64{"a": 1, "b": 2} }, "3 connections ended early"},
		{func(r *Report) { r.Ledger.Lost = 1 }, "1 deliveries lost"},
		{func(r *Report) { r.Ledger.Duplicated = 1 }, "1 deliveries duplicated"},
		{func(r *Report) { r.Ledger.Reordered = 1 }, "1 deliveries reordered"},
		{func(r *Report) { r.Ledger.Corrupted = 1 }, "1 messages corrupted"},
		{func(r *Report) { r.Ledger.Misdelivered = 1 }, "1 messages misdelivered"},
		{func(r *Report) { r.Publications.Unknown = 1 }, "1 publications of unknown outcome"},
		{func(r *Report) { r.Publications.Failed = 1 }, "1 publications could not be sent"},
		{func(r *Report) { r.Publications.Unsent = 1 }, "1 publications still unsent"},
		{func(r *Report) { r.Publications.Acknowledged = 0 }, "no publication was acknowledged"},
		{func(r *Report) { r.Config.Scenario = Echo }, "no message was sent"},
	}
	for _, c := range cases {
		r := good()
		c.change(r)
		r.judge()
		got := strings.Join(r.Verdict.Reasons, "; ")
		if r.Verdict.OK != (c.reason == "") || !strings.HasPrefix(got, c.reason) {
			t.Errorf("want %q, got %v %q", c.reason, r.Verdict.OK, got)
		}
	}
}

func TestBottleneck(t *testing.T) {
	for _, c := range []struct {
		g    Generator
		want bool
	}{
		{Generator{CPUBusy: 0.8, LoopBusy: 0.8, Late: 1}, false},
		{Generator{CPUBusy: 0.9}, true},
		{Generator{LoopBusy: 0.9}, true},
		{Generator{Late: 2}, true},
		{Generator{LoopLag: Percentiles{P99: 1100}}, true},
		{Generator{LoopLag: Percentiles{P99: 900}}, false},
	} {
		if c.g.judge(100, Percentiles{Count: 1, P99: 10_000}); c.g.Bottleneck != c.want || c.want != (len(c.g.Reasons) == 1) {
			t.Errorf("%+v: want %v", c.g, c.want)
		}
	}
}

func TestLagIsHeldAgainstWhatIsMeasured(t *testing.T) {
	for _, c := range []struct {
		lag     int64
		latency Percentiles
		want    bool
	}{
		{900, Percentiles{Count: 1, P99: 1000}, false}, // that of any machine
		{1100, Percentiles{Count: 1, P99: 1200}, true},
		{5000, Percentiles{Count: 1, P99: 60_000}, false},
		{5000, Percentiles{}, false}, // nothing was measured that it could be in
	} {
		g := Generator{LoopLag: Percentiles{P99: c.lag}}
		if g.judge(1, c.latency); g.Bottleneck != c.want {
			t.Errorf("a lag of %d µs at %+v: %v", c.lag, c.latency, g.Reasons)
		}
	}
}

func TestInvalidIsSaidLoudly(t *testing.T) {
	r := &Report{Config: ConfigEcho{Scenario: Idle}, Generator: Generator{LoopBusy: 0.9}}
	r.Generator.judge(0, r.Latency)
	r.judge()
	var text strings.Builder
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if !r.Verdict.Invalid || !r.Verdict.OK || !strings.Contains(text.String(), "\nINVALID: the generator was the bottleneck") {
		t.Errorf("%+v in\n%s", r.Verdict, text.String())
	}
}

func TestReportText(t *testing.T) {
	r := &Report{
		Config:      ConfigEcho{Scenario: Fanout, URL: "ws://h/ws"},
		Connections: Connections{Wanted: 2, Established: 1, Failures: map[string]uint64{"connect: ECONNREFUSED (connection refused)": 1}},
		Latency:     Percentiles{Count: 2, P50: 999, P99: 12_345, Max: 1_234_567},
		Server:      &Server{PID: 7, CPUPerDelivery: 4.5},
	}
	r.judge()
	var text strings.Builder
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"1 of 2 established", "1 × connect: ECONNREFUSED", "p50 999 µs", "p99 12.35 ms", "max 1.235 s", "CPU 4.500 µs per delivery",
		"\ngenerator: ok (", "\nresult: FAILED: 1 connections not established",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is missing in\n%s", want, text.String())
		}
	}
}

func TestReportJSONKeysThatScriptsRead(t *testing.T) {
	text, err := json.MarshalIndent(&Report{Server: &Server{}}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for key, times := range map[string]int{
		`"server_cpu_us_per_delivery":`: 1, `"server_cpu_us_per_conn_second":`: 1, `"server_rss_bytes_per_conn":`: 1,
		`"bottleneck":`: 1, `"latency": {`: 1, `"schema":`: 1,
	} {
		if got := strings.Count(string(text), key); got != times {
			t.Errorf("%s stands there %d times, want %d", key, got, times)
		}
	}
}

func TestPublicationRecordsMerge(t *testing.T) {
	var merged [][]publicationRecord
	mergeRecords(&merged, [][]publicationRecord{{{Intended: 5, First: 10, Last: 20, Count: 2}}})
	mergeRecords(&merged, [][]publicationRecord{{{Intended: 5, First: 8, Last: 15, Count: 1}, {Intended: 6, First: 9, Last: 9, Count: 1}}, {{}}})
	if got, want := merged[0][0], (publicationRecord{Intended: 5, First: 8, Last: 20, Count: 3}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if len(merged) != 2 || len(merged[0]) != 2 || merged[0][1].Count != 1 {
		t.Errorf("got %+v", merged)
	}
}
