package show

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/wsedge/wsedge/loadtest"
)

// Prometheus answers scrapes with how a run stands, in Prometheus's text format (version 0.0.4). Safe from any goroutine.
type Prometheus struct {
	mu     sync.Mutex
	status loadtest.Status // guarded by mu
}

// Update takes over how the run stands.
func (p *Prometheus) Update(s loadtest.Status) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status = s
}

// ServeHTTP answers with the metrics, whatever is asked for.
func (p *Prometheus) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	status := p.status
	p.mu.Unlock()
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	// Whoever asks notices a broken answer.
	_, _ = w.Write(metrics(&status))
}

// metrics are those of a run. Those of the server stand there only if its process is known.
func metrics(s *loadtest.Status) []byte {
	var out bytes.Buffer
	family := func(name, kind, help string) {
		fmt.Fprintf(&out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
	}
	single := func(name, kind, help string, value any) {
		family(name, kind, help)
		fmt.Fprintf(&out, "%s %v\n", name, value)
	}
	family("wsload_info", "gauge", "What is run; always 1.")
	fmt.Fprintf(&out, "wsload_info{scenario=%s,url=%s,phase=%s} 1\n", label(string(s.Config.Scenario)), label(s.Config.URL), label(string(s.Phase)))
	family("wsload_connections", "gauge", "Connections by state; wanted is how many there are to be.")
	for _, c := range []struct {
		state string
		n     int
	}{{"wanted", s.Config.Conns}, {"open", s.Established - s.Ended}, {"failed", s.Failed}, {"ended", s.Ended}} {
		fmt.Fprintf(&out, "wsload_connections{state=%s} %d\n", label(c.state), c.n)
	}
	single("wsload_run_seconds", "gauge", "Time since the start of the run.", s.Elapsed.Seconds())
	single("wsload_published_total", "counter", "Publications acknowledged, or messages sent in an echo.", s.Published)
	single("wsload_delivered_total", "counter", "First arrivals.", s.Delivered)
	single("wsload_missing", "gauge", "Deliveries that have not come though a later one has.", s.Missing)
	single("wsload_faulty_total", "counter", "Deliveries duplicated, reordered, corrupted or misdelivered.", s.Faulty)
	single("wsload_late_sends_total", "counter", "Sends behind their time by the generator's fault.", s.Late)
	writeLatency(&out, family, s)
	last := s.Last()
	single("wsload_generator_cpu_cores", "gauge", "The generator's CPU time per time in the last second.", last.GeneratorCPU)
	if last.ServerRSS > 0 {
		single("wsload_server_cpu_cores", "gauge", "The server's CPU time per time in the last second.", last.ServerCPU)
		single("wsload_server_resident_bytes", "gauge", "The server's resident memory.", last.ServerRSS)
	}
	return out.Bytes()
}

func writeLatency(out *bytes.Buffer, family func(name, kind, help string), s *loadtest.Status) {
	const name, second = "wsload_latency_seconds", "wsload_second_latency_seconds"
	all, last := s.Latency, s.Last()
	family(name, "summary", "Latency of everything measured so far.")
	for _, q := range []struct {
		quantile string
		micros   int64
	}{{"0.5", all.P50}, {"0.9", all.P90}, {"0.99", all.P99}, {"0.999", all.P999}, {"1", all.Max}} {
		fmt.Fprintf(out, "%s{quantile=%s} %g\n", name, label(q.quantile), float64(q.micros)/1e6)
	}
	fmt.Fprintf(out, "%s_sum %g\n%s_count %d\n", name, all.Mean*float64(all.Count)/1e6, name, all.Count)
	family(second, "gauge", "Latency of what arrived in the last second.")
	for _, q := range []struct {
		quantile string
		micros   int64
	}{{"0.5", last.P50}, {"0.99", last.P99}, {"1", last.Max}} {
		fmt.Fprintf(out, "%s{quantile=%s} %g\n", second, label(q.quantile), float64(q.micros)/1e6)
	}
}

// labelEscapes are those that the format knows.
var labelEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

func label(value string) string { return `"` + labelEscapes.Replace(value) + `"` }
