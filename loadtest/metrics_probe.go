package loadtest

import (
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// metricsTimeout bounds a scrape.
const metricsTimeout = 3 * time.Second

// The series that are read: those of Go's Prometheus client, and of others that keep to its names.
const (
	metricCPU        = "process_cpu_seconds_total"
	metricRSS        = "process_resident_memory_bytes"
	metricHeapInuse  = "go_memstats_heap_inuse_bytes"
	metricHeapAlloc  = "go_memstats_heap_alloc_bytes"
	metricAllocated  = "go_memstats_alloc_bytes_total"
	metricGCs        = "go_gc_duration_seconds_count"
	metricGCPause    = "go_gc_duration_seconds_sum"
	metricGoroutines = "go_goroutines"
)

var metricsRead = map[string]bool{
	metricCPU: true, metricRSS: true, metricHeapInuse: true, metricHeapAlloc: true, metricAllocated: true, metricGCs: true,
	metricGCPause: true, metricGoroutines: true,
}

// moment is when the server is looked at.
type moment int

const (
	atStart moment = iota // before the first connection
	atRest                // with all connections, before the first message
	atBegin               // of the window
	atEnd                 // of the window
	atLast                // with all connections, after the last message
	everySecond
	moments
)

// scrape is what a metrics URL said.
type scrape struct {
	At     time.Time // zero: nothing was said
	Values map[string]float64
}

// metricsProbe reads a server's metrics at the same moments as its process. A scrape that fails leaves its moment empty; the
// first problem is kept for the report.
type metricsProbe struct {
	// Immutable.
	url    string
	client http.Client

	running sync.WaitGroup // scrapes in the background

	// Guarded by mu.
	mu      sync.Mutex
	at      [moments]scrape
	busy    bool // with the second's
	problem error
}

// newMetricsProbe makes a probe of an http or https URL.
func newMetricsProbe(address string) (*metricsProbe, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("want a metrics URL such as http://127.0.0.1:8080/metrics, not %q", address)
	}
	// A transport of its own, so that no connection outlives the run.
	return &metricsProbe{url: address, client: http.Client{Timeout: metricsTimeout, Transport: &http.Transport{}}}, nil
}

// read scrapes and waits for the answer.
func (p *metricsProbe) read(m moment) {
	values, err := p.scrape()
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		if p.problem == nil {
			p.problem = err
		}
		return
	}
	p.at[m] = scrape{At: time.Now(), Values: values}
}

// start scrapes in the background: whoever calls it has a schedule to keep.
func (p *metricsProbe) start(m moment) { p.running.Go(func() { p.read(m) }) }

// tick scrapes in the background, unless the last one is still under way, and returns what that said.
func (p *metricsProbe) tick() scrape {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.busy {
		p.busy = true
		p.running.Go(func() {
			p.read(everySecond)
			p.mu.Lock()
			p.busy = false
			p.mu.Unlock()
		})
	}
	return p.at[everySecond]
}

func (p *metricsProbe) scrape() (map[string]float64, error) {
	answer, err := p.client.Get(p.url)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", p.url, answer.Status)
	}
	values, err := parseMetrics(answer.Body, metricsRead)
	if err == nil && len(values) == 0 {
		err = fmt.Errorf("%s has no go_ or process_ metrics", p.url)
	}
	return values, err
}

// finish waits for what is under way.
func (p *metricsProbe) finish() ([moments]scrape, error) {
	p.running.Wait()
	p.client.CloseIdleConnections()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at, p.problem
}

// value returns nil where it was not said.
func (s scrape) value(name string) *float64 {
	v, known := s.Values[name]
	if !known {
		return nil
	}
	return &v
}

// minus is the difference of two values that were said.
func minus(later, earlier *float64) *float64 {
	if later == nil || earlier == nil {
		return nil
	}
	d := *later - *earlier
	return &d
}

// per divides what was measured; nil where there is nothing to divide by.
func per(v *float64, n float64) *float64 {
	if v == nil || n <= 0 {
		return nil
	}
	q := *v / n
	return &q
}

// goRuntime sums up what the metrics say of a Go server; nil where they say nothing.
func goRuntime(at *[moments]scrape, conns int, deliveries uint64) *GoRuntime {
	between := func(name string) *float64 { return minus(at[atEnd].value(name), at[atBegin].value(name)) }
	g := &GoRuntime{
		HeapInuseSettled: at[atRest].value(metricHeapInuse), HeapInuseAfter: at[atLast].value(metricHeapInuse),
		HeapAllocSettled: at[atRest].value(metricHeapAlloc),
		HeapPerConn:      per(minus(at[atRest].value(metricHeapInuse), at[atStart].value(metricHeapInuse)), float64(conns)),
		Goroutines:       at[atRest].value(metricGoroutines),
		GoroutinesPerConn: per(minus(at[atRest].value(metricGoroutines), at[atStart].value(metricGoroutines)),
			float64(conns)),
		GCs: between(metricGCs), GCPause: between(metricGCPause),
		AllocatedPerDelivery: per(between(metricAllocated), float64(deliveries)),
	}
	if *g == (GoRuntime{}) {
		return nil
	}
	return g
}
