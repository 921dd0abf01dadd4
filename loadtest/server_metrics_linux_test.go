package loadtest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// metricsServer answers scrapes as Go's client library does, with figures that grow with each of them.
func metricsServer(t *testing.T, failFrom int64) string {
	t.Helper()
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		i := n.Add(1)
		if failFrom > 0 && i >= failFrom {
			http.Error(w, "no more", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintf(w, "# TYPE go_goroutines gauge\ngo_goroutines %d\ngo_memstats_heap_inuse_bytes %d\ngo_memstats_heap_alloc_bytes 1e6\n", 5+i, 1000000*i)
		fmt.Fprintf(w, "go_memstats_alloc_bytes_total %d\ngo_gc_duration_seconds{quantile=\"1\"} 9\ngo_gc_duration_seconds_sum %g\ngo_gc_duration_seconds_count %d\n", 1000*i, 0.001*float64(i), i)
		fmt.Fprintf(w, "process_cpu_seconds_total %g\nprocess_resident_memory_bytes %d\n", 0.5*float64(i), 2000000*i)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func metricsConfig(s *pushServer, metrics string) Config {
	return Config{
		Scenario: Fanout, URL: s.url("/ws"), Conns: 4, Threads: 1, Rate: 20, Duration: 200 * time.Millisecond, MetricsURL: metrics,
	}
}

func TestServerByMetrics(t *testing.T) {
	s := &pushServer{}
	s.start(t)
	cfg := metricsConfig(s, metricsServer(t, 0))
	for _, text := range []string{"server.go.heap_bytes_per_conn>0", "gc_cycles>=1", "gc_pause<1s", "server_deliveries_per_cpu_second>0", "server.go.goroutines>5"} {
		e, err := ParseExpectation(text)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Expect = append(cfg.Expect, e)
	}
	r, err := Run(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	checkSchema(t, r)
	v := r.Server
	if v == nil || v.Source != "metrics" || v.Problem != "" || v.MetricsProblem != "" || v.Go == nil || v.PSSPerConn != nil ||
		v.CPUSecs < 0.5 || v.RSSPerConn < 500000 || *v.Go.HeapPerConn < 250000 || *v.Go.GCs < 1 || *v.Go.AllocatedPerDelivery <= 0 {
		t.Errorf("%+v, %+v", v, v.Go)
	}
	for _, e := range r.Expectations {
		if !e.OK {
			t.Error(e.Line)
		}
	}
	var text strings.Builder
	if err := r.WriteText(&text); err != nil || !strings.Contains(text.String(), "goroutines") || strings.Contains(text.String(), "slab") {
		t.Errorf("%s, %v", text.String(), err)
	}
}

// TestMetricsFail has the second scrape, or a later one, fail: the run goes on.
func TestMetricsFail(t *testing.T) {
	s := &pushServer{}
	s.start(t)
	cfg := metricsConfig(s, metricsServer(t, 3))
	cfg.PID, cfg.PIDs = os.Getpid(), []int{os.Getppid(), os.Getpid()}
	r, err := Run(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	checkSchema(t, r)
	v := r.Server
	if !strings.Contains(v.MetricsProblem, "503") || v.Problem != "" || v.CPUSecs <= 0 || len(v.PIDs) != 2 || *v.PSSSettled <= 0 ||
		*v.Threads < 2 || v.Source != "process" || !r.Verdict.OK {
		t.Errorf("%+v", v)
	}
	cfg.PID, cfg.PIDs = 0, nil
	cfg.MetricsURL = metricsServer(t, 3)
	r, err = Run(context.Background(), cfg)
	if err != nil || r.Server.Problem == "" || r.Server.MetricsProblem == "" {
		t.Errorf("%+v, %v", r.Server, err)
	}
}

func TestMetricsMissing(t *testing.T) {
	s := &pushServer{}
	s.start(t)
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	foreign := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "up 1") }))
	defer foreign.Close()
	for _, url := range []string{"metrics", "ftp://h/", other.URL, foreign.URL} {
		if _, err := Run(context.Background(), metricsConfig(s, url)); err == nil {
			t.Errorf("%s: no error", url)
		}
	}
}
