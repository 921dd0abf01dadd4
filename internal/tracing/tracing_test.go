package tracing_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/tracing"
	"github.com/wsedge/wsedge/internal/tracing/tracingtest"
)

// patience is how long a test waits for what must come. It is no measure of anything.
const patience = 20 * time.Second

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func newTracer(t *testing.T, cfg tracing.Config) *tracing.Tracer {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = quiet
	}
	if problems := cfg.Check(); len(problems) > 0 {
		t.Fatal(problems)
	}
	tracer, err := tracing.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(tracer) })
	return tracer
}

// end sends all there is.
func end(tracer *tracing.Tracer) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tracer.Close(ctx)
}

// receipt is one that a test settles.
type receipt struct{ done chan struct{} }

func (r receipt) Done() <-chan struct{}                { return r.done }
func (receipt) Counts() (matched, queued, dropped int) { return 3, 2, 1 }

// ask makes a request with a traceparent, "" for none, and publishes in it.
func ask(tracer *tracing.Tracer, traceparent string, publish func(*tracing.Publication)) {
	r := httptest.NewRequest(http.MethodPost, "/api/publish", nil)
	if traceparent != "" {
		r.Header.Set("traceparent", traceparent)
	}
	request, r := tracer.Request(r, "publish")
	publish(tracer.Publish(r.Context(), "chat"))
	request.End(http.StatusOK)
}

func TestSpansOfAPublication(t *testing.T) {
	receiver := tracingtest.New(t)
	tracer := newTracer(t, tracing.Config{URL: receiver.URL, Headers: map[string]string{"Authorization": "Bearer x"}, Version: "1.2"})
	r := receipt{make(chan struct{})}
	ask(tracer, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", func(p *tracing.Publication) { p.Published(7, 3, r) })
	close(r.done)
	end(tracer)
	var request, publish, deliver tracingtest.Span
	for name, into := range map[string]*tracingtest.Span{"POST /api/publish": &request, "publish": &publish, "deliver": &deliver} {
		found := receiver.Named(name)
		if len(found) != 1 {
			t.Fatalf("%d spans %s of %+v", len(found), name, receiver.Spans())
		}
		*into = found[0]
		if into.Trace != "0af7651916cd43dd8448eb211c80319c" || into.Error || into.End < into.Start {
			t.Errorf("%+v", *into)
		}
	}
	if request.Parent != "b7ad6b7169203331" || publish.Parent != request.ID || deliver.Parent != publish.ID {
		t.Errorf("the parents are %q, %q and %q", request.Parent, publish.Parent, deliver.Parent)
	}
	if request.Kind != "SERVER" || publish.Kind != "PRODUCER" || deliver.Kind != "INTERNAL" || deliver.Start != publish.Start {
		t.Errorf("%+v %+v %+v", request, publish, deliver)
	}
	for key, want := range map[string]string{
		"wsedge.namespace": "chat", "wsedge.offset": "7", "wsedge.matched": "3", "wsedge.queued": "2", "wsedge.dropped": "1",
	} {
		if deliver.Attributes[key] != want {
			t.Errorf("%s is %q, want %q", key, deliver.Attributes[key], want)
		}
	}
	resource, header := receiver.Resource()
	if resource["service.name"] != "wsedge" || resource["service.version"] != "1.2" || resource["service.instance.id"] == "" || header.Get("Authorization") != "Bearer x" {
		t.Errorf("%v, %v", resource, header)
	}
}

func TestSampling(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0"
	for _, row := range []struct {
		ratio       float64
		traceparent string
		want        bool
	}{
		{0, "", false}, {1, "", true}, {0, parent + "1", true}, {1, parent + "0", false}, {0, "nonsense", false}, {1, "nonsense", true},
		{0, "00-00000000000000000000000000000000-b7ad6b7169203331-01", false},
	} {
		receiver := tracingtest.New(t)
		tracer := newTracer(t, tracing.Config{URL: receiver.URL, Ratio: row.ratio})
		ask(tracer, row.traceparent, func(p *tracing.Publication) {
			if (p != nil) != row.want {
				t.Errorf("%+v: traced is %v", row, p != nil)
			}
			p.Repeated(1)
		})
		end(tracer)
		if n := len(receiver.Spans()); n != 0 != row.want {
			t.Errorf("%+v: %d spans", row, n)
		}
	}
}

func TestFailures(t *testing.T) {
	receiver := tracingtest.New(t)
	tracer := newTracer(t, tracing.Config{URL: receiver.URL, Ratio: 1})
	r := httptest.NewRequest(http.MethodPost, "/api/batch", nil)
	request, r := tracer.Request(r, "batch")
	command, inner := tracer.Request(r, "publish")
	tracer.Publish(inner.Context(), "chat").Failed("backlog")
	command.End(http.StatusTooManyRequests)
	request.End(http.StatusServiceUnavailable)
	traceparent, failed := tracer.Question("connect")
	failed("timeout")
	end(tracer)
	batch, inside, publish, hook := receiver.Named("POST /api/batch"), receiver.Named("publish"), tracingtest.Span{}, receiver.Named("webhook connect")
	if len(batch) != 1 || len(inside) != 2 || len(hook) != 1 {
		t.Fatalf("%+v", receiver.Spans())
	}
	publish, inside = inside[0], inside[1:]
	if !batch[0].Error || batch[0].Attributes["http.response.status_code"] != "503" || inside[0].Error || inside[0].Kind != "INTERNAL" || inside[0].Parent != batch[0].ID {
		t.Errorf("%+v %+v", batch, inside)
	}
	if !publish.Error || publish.Failed != "backlog" || publish.Parent != inside[0].ID {
		t.Errorf("%+v", publish)
	}
	if !hook[0].Error || hook[0].Kind != "CLIENT" || hook[0].Parent != "" || traceparent != "00-"+hook[0].Trace+"-"+hook[0].ID+"-01" {
		t.Errorf("%+v with %s", hook, traceparent)
	}
}

// What the server is told at its end is the end of what is still waited for.
func TestClosingEndsWhatIsWaitedFor(t *testing.T) {
	receiver := tracingtest.New(t)
	tracer := newTracer(t, tracing.Config{URL: receiver.URL, Ratio: 1})
	ask(tracer, "", func(p *tracing.Publication) { p.Published(1, 3, receipt{make(chan struct{})}) })
	end(tracer)
	if d := receiver.Named("deliver"); len(d) != 1 || d[0].Failed != "closing" {
		t.Errorf("%+v", d)
	}
	ask(tracer, "", func(p *tracing.Publication) { p.Repeated(1) }) // too late: nothing happens
}

// A receiver that does not answer, or is not there, blocks nobody: what is too much is dropped, and all of it is counted.
func TestNobodyWaitsForTheReceiver(t *testing.T) {
	const capacity, requests = 20, 100
	reached, answer := make(chan struct{}, 1), make(chan struct{})
	receiver := tracingtest.New(t)
	receiver.Answer = func(w http.ResponseWriter, r *http.Request) {
		select {
		case reached <- struct{}{}:
		default:
		}
		select {
		case <-answer:
		case <-r.Context().Done():
		}
		w.WriteHeader(http.StatusBadRequest)
	}
	var log strings.Builder
	tracer := newTracer(t, tracing.Config{URL: receiver.URL, Ratio: 1, QueueMax: capacity, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	ask(tracer, "", func(p *tracing.Publication) { p.Failed("x") })
	<-reached // the first batch is with the receiver
	for range requests {
		ask(tracer, "", func(p *tracing.Publication) { p.Failed("x") })
	}
	s := *tracer.Stats()
	if s.Queued != capacity || s.Dropped != 2*requests-capacity || s.Exported != 0 {
		t.Errorf("%+v of %d spans", s, 2*requests)
	}
	close(answer)
	end(tracer)
	if s := *tracer.Stats(); s.Failed != 2+capacity || s.Queued != 0 {
		t.Errorf("%+v at the end", s)
	}
	if n := strings.Count(log.String(), "spans can't be sent"); n != 1 {
		t.Errorf("%d lines:\n%s", n, log.String())
	}
}

// Close waits no longer than it may for a receiver that hangs.
func TestCloseIsBounded(t *testing.T) {
	receiver := tracingtest.New(t)
	reached := make(chan struct{}, 1)
	receiver.Answer = func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // so that the end of the connection is noticed
		reached <- struct{}{}
		<-r.Context().Done()
	}
	tracer := newTracer(t, tracing.Config{URL: receiver.URL, Ratio: 1})
	ask(tracer, "", func(p *tracing.Publication) { p.Failed("x") })
	<-reached
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	tracer.Close(ctx) // would hang for exportTimeout otherwise; the test's own deadline tells
	if s := *tracer.Stats(); s.Failed != 2 {
		t.Errorf("%+v", s)
	}
}

// A receiver that comes back gets what is new.
func TestReceiverComesBack(t *testing.T) {
	receiver := tracingtest.New(t)
	status := http.StatusBadRequest
	receiver.Answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
	var log strings.Builder
	tracer := newTracer(t, tracing.Config{URL: receiver.URL, Ratio: 1, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	ask(tracer, "", func(p *tracing.Publication) { p.Failed("x") })
	for deadline := time.Now().Add(patience); tracer.Stats().Failed == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing fails")
		}
	}
	status = http.StatusOK // nothing is under way
	ask(tracer, "", func(p *tracing.Publication) { p.Failed("x") })
	end(tracer)
	if s := *tracer.Stats(); s.Exported != 2 || s.Failed != 2 || !strings.Contains(log.String(), "spans are sent again") {
		t.Errorf("%+v\n%s", s, log.String())
	}
}

func TestOff(t *testing.T) {
	var tracer *tracing.Tracer
	tracer.Publish(context.Background(), "chat").Published(1, 1, receipt{})
	tracer.Publish(context.Background(), "chat").Failed("x")
	tracer.Publish(context.Background(), "chat").Repeated(1)
	if tracer.Stats() != nil {
		t.Error("numbers of nothing")
	}
	tracer.Close(context.Background())
	if n := testing.AllocsPerRun(100, func() { tracer.Publish(context.Background(), "chat") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestCheck(t *testing.T) {
	for url, ok := range map[string]bool{
		"http://127.0.0.1:4318": true, "https://otlp.example/v1/traces": true, "http://[::1]:4318/x": true, "": false, "127.0.0.1:4318": false,
		"grpc://x:4317": false, "http://": false, "http://user:hunter2@x": false, "http://x/?key=hunter2": false, "http://x/%zz": false,
	} {
		problems := tracing.Config{URL: url}.Check()
		if (len(problems) == 0) != ok || strings.Contains(fmt.Sprint(problems), "hunter2") {
			t.Errorf("%q: %v", url, problems)
		}
	}
	for _, ratio := range []float64{-0.1, 1.1} {
		if len(tracing.Config{URL: "http://x", Ratio: ratio, QueueMax: -1}.Check()) != 2 {
			t.Errorf("%v is taken", ratio)
		}
	}
}

func TestParseHeaders(t *testing.T) {
	got, err := tracing.ParseHeaders("# of the receiver\n\nauthorization: Bearer a:b \nX-Tenant: 7\r\n")
	if err != nil || len(got) != 2 || got["Authorization"] != "Bearer a:b" || got["X-Tenant"] != "7" {
		t.Errorf("%v, %v", got, err)
	}
	for _, text := range []string{"hunter2", "a b: hunter2", ": hunter2", "A:", "A: 1\nA: hunter2", "A: hunter2\x00", "Content-Type: hunter2", strings.Repeat("x", 9) + "\n"} {
		if _, err := tracing.ParseHeaders(text); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
