package show

import (
	"bytes"
	"flag"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wsedge/wsedge/loadtest"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s", name, got)
	}
}

// fanout is a run of five seconds, of which the second had a stall; one delivery was lost in it.
func fanout() *loadtest.Report {
	r := &loadtest.Report{
		Schema: loadtest.SchemaVersion, Run: "00c0ffee", Command: []string{"wsload", "fanout", "ws://h/ws", "--header", "<script>"},
		Started: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC),
		Config: loadtest.ConfigEcho{Scenario: loadtest.Fanout, URL: "ws://h/ws?a=<b>&c", Conns: 1000, Rate: 8, Processes: 1, Threads: 2,
			Payload: 128, Outstanding: 1, Publishers: 1, Duration: 3, Warmup: 1, ConnectRate: 4000, MaxInFlight: 1000},
		Environment: loadtest.Environment{Host: "host", Kernel: "6.18", CPU: "CPU", Cores: 4, UsableCores: 2, MemoryBytes: 24e9, OS: "linux",
			Arch: "amd64", Go: "go1.26", Revision: "0123456789abcdef", OpenFiles: 1024, OpenFilesHard: 4096,
			Sysctls: map[string]string{"net.core.somaxconn": "4096"}},
		Window:       loadtest.Window{SendSecs: 0.5, FromSecs: 1.5, EndSecs: 4.5},
		Connections:  loadtest.Connections{Wanted: 1000, Established: 1000, SetupSecs: 0.25, Endings: map[string]uint64{"close 1001 bye": 1}},
		Publications: loadtest.PublicationCounts{Scheduled: 32, Acknowledged: 32},
		Ledger:       loadtest.LedgerCounts{Expected: 32_000, Received: 31_999, Lost: 1},
		Latency:      loadtest.Percentiles{Count: 24_000, Mean: 3000, P50: 2500, P90: 5000, P99: 90_000, P999: 100_000, Max: 120_000},
		LatencyCurve: []loadtest.CurvePoint{{Quantile: 0, Micros: 100}, {Quantile: 0.5, Micros: 2500}, {Quantile: 0.99, Micros: 90_000}, {Quantile: 1, Micros: 120_000}},
		Server:       &loadtest.Server{PID: 7, CPUSecs: 0.15, WindowSecs: 3, CPUPerDelivery: 6.25, RSSBefore: 8e6, RSSSettled: 9e6, RSSAfter: 9.5e6, RSSPerConn: 1000},
		Generator:    loadtest.Generator{CPUBusy: 0.2, LoopBusy: 0.3, CPUPerDelivery: 5},
		Expectations: []loadtest.ExpectationResult{{Expectation: "p50<5ms", OK: true, Line: "p50<5ms: ok"}, {Expectation: "lost==0", Line: "lost==0 FAILED: 1"}},
		Verdict:      loadtest.Verdict{Reasons: []string{"1 deliveries lost"}},
	}
	for i, p99 := range []int64{0, 4000, 90_000, 4500, 4200} {
		second := loadtest.Interval{
			At: float64(i + 1), Length: 1, Conns: 1000 - i/3, Published: uint64(8 * i), Delivered: uint64(8000 * min(i, 1)), P50: p99 / 2, P99: p99,
			Max: p99 * 4 / 3, Missing: uint64(i / 3), GeneratorCPU: 0.05, ServerCPU: 0.0625, ServerRSS: 9e6 + int64(i)*1e5,
		}
		r.Seconds = append(r.Seconds, second)
	}
	return r
}

func statusOf(r *loadtest.Report) loadtest.Status {
	return loadtest.Status{
		Config: r.Config, Phase: loadtest.PhaseMeasuring, Elapsed: 5 * time.Second, Left: 1500 * time.Millisecond, Established: 1000, Ended: 1,
		Published: 32, Delivered: 31_999, Missing: 1, Latency: r.Latency, Seconds: r.Seconds,
	}
}

func TestCSV(t *testing.T) {
	var out bytes.Buffer
	if err := WriteCSV(&out, fanout()); err != nil {
		t.Fatal(err)
	}
	golden(t, "fanout.csv", out.Bytes())
	if err := WriteCSV(brokenWriter{}, fanout()); err == nil {
		t.Error("no error from a writer that fails")
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestHTML(t *testing.T) {
	var out bytes.Buffer
	if err := WriteHTML(&out, fanout()); err != nil {
		t.Fatal(err)
	}
	golden(t, "fanout.html", out.Bytes())
	page := out.String()
	for _, want := range []string{
		"<strong>FAILED</strong>", "1 deliveries lost", "ws://h/ws?a=&lt;b&gt;&amp;c", "Latency over time", "Latency by percentile",
		"Deliveries per second", "Server memory", "close 1001 bye", "commit 0123456789ab", "net.core.somaxconn", "6.25 µs",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing", want)
		}
	}
	// Nothing is fetched and nothing runs.
	if found := regexp.MustCompile(`(?i)<script|<link|<img|<iframe|\bsrc=|\bhref=|@import|url\(|\son[a-z]+=|NaN|Inf\b`).FindString(page); found != "" {
		t.Errorf("the page has %q", found)
	}
}

func TestHTMLOfLittle(t *testing.T) {
	for _, r := range []*loadtest.Report{
		{},
		{Config: loadtest.ConfigEcho{Scenario: loadtest.Idle}, Seconds: []loadtest.Interval{{At: 0.2, Length: 0.2, Conns: 1}}},
		{Config: loadtest.ConfigEcho{Scenario: loadtest.Echo}, ClosedLoop: true, Interrupted: true, Server: &loadtest.Server{Problem: "gone"}},
		{Verdict: loadtest.Verdict{OK: true, Invalid: true}, Generator: loadtest.Generator{Bottleneck: true, Reasons: []string{"slow"}}},
	} {
		var out bytes.Buffer
		if err := WriteHTML(&out, r); err != nil {
			t.Error(err)
		}
		if strings.Contains(out.String(), "NaN") || strings.Contains(out.String(), "Inf") {
			t.Errorf("%+v: a number is none", r.Config)
		}
	}
}

func TestPageSaysWhatItIsWorth(t *testing.T) {
	unmet := []loadtest.ExpectationResult{{Expectation: "lost==0", Line: "lost==0 FAILED: 1"}}
	for _, c := range []struct {
		verdict loadtest.Verdict
		expect  []loadtest.ExpectationResult
		want    string
	}{
		{loadtest.Verdict{OK: true}, nil, "<strong>ok</strong>"},
		{loadtest.Verdict{OK: true}, unmet, "<strong>not as expected</strong>"},
		{loadtest.Verdict{OK: true, Invalid: true}, unmet, "<strong>INVALID</strong>"},
		{loadtest.Verdict{Invalid: true}, nil, "<strong>FAILED</strong>"},
	} {
		var out bytes.Buffer
		r := &loadtest.Report{Verdict: c.verdict, Expectations: c.expect}
		if err := WriteHTML(&out, r); err != nil || !strings.Contains(out.String(), c.want) {
			t.Errorf("%+v, %d unmet: no %s (%v)", c.verdict, len(c.expect), c.want, err)
		}
	}
}

func TestPrometheus(t *testing.T) {
	var p Prometheus
	p.Update(statusOf(fanout()))
	answer := httptest.NewRecorder()
	p.ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	golden(t, "fanout.prom", answer.Body.Bytes())
	sample := regexp.MustCompile(`^[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+$`)
	for text := range strings.Lines(answer.Body.String()) {
		if text = strings.TrimSuffix(text, "\n"); !strings.HasPrefix(text, "# ") && !sample.MatchString(text) {
			t.Errorf("%q is no sample", text)
		}
	}
	if got := label("a\"b\\c\nd"); got != `"a\"b\\c\nd"` {
		t.Errorf("label %s", got)
	}
}

func TestScreen(t *testing.T) {
	status := statusOf(fanout())
	golden(t, "screen-100.txt", []byte(strings.Join(screen(&status, 100), "\n")+"\n"))
	for _, width := range []int{0, 20, 47, 80, 300} {
		for _, text := range screen(&status, width) {
			if n := len([]rune(text)); n > max(width, 20) {
				t.Errorf("%d columns: %q has %d", width, text, n)
			}
		}
	}
	idle := loadtest.Status{Config: loadtest.ConfigEcho{Scenario: loadtest.Idle}, Phase: loadtest.PhaseConnecting}
	if text := strings.Join(screen(&idle, 80), "\n"); strings.Contains(text, "latency") || strings.Contains(text, "server") {
		t.Errorf("an idle run shows\n%s", text)
	}
}

func TestLiveGivesTheTerminalBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var terminal bytes.Buffer
		rows := 30
		view := StartLive(&terminal, func() (int, int) { return 60, rows })
		status := statusOf(fanout())
		for range 8 { // more often than it draws
			view.Update(status)
			time.Sleep(redrawInterval / 4) // of the bubble
		}
		synctest.Wait()
		if got := strings.Count(terminal.String(), toTop); got < 1 || got > 3 {
			t.Errorf("%d drawings in half a second, want 2 or so", got)
		}
		terminal.Reset()
		time.Sleep(time.Second)
		synctest.Wait()
		if drawn := terminal.Len(); drawn > 0 {
			t.Errorf("%d bytes drawn without news", drawn)
		}
		rows = 4 // the terminal has become smaller
		view.Update(status)
		time.Sleep(redrawInterval)
		synctest.Wait()
		if got := strings.Count(terminal.String(), "\n"); got != 3 {
			t.Errorf("%d line ends on a terminal of 4 rows", got)
		}
		view.Stop()
		if !strings.HasSuffix(terminal.String(), LeaveScreen) {
			t.Error("the terminal is not given back")
		}
	})
}
