package edge

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/tracing"
	"github.com/wsedge/wsedge/internal/tracing/tracingtest"
	"github.com/wsedge/wsedge/internal/webhook"
)

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// startTraced runs a server with tracing. flush sends what it has.
func startTraced(t *testing.T, ratio float64, cfg Config) (s *Server, receiver *tracingtest.Receiver) {
	t.Helper()
	receiver = tracingtest.New(t)
	tracer, err := tracing.New(tracing.Config{URL: receiver.URL, Ratio: ratio, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tracer.Close(t.Context()) }) // behind the server's end; what still waits is of no interest
	cfg.Tracer = tracer
	return startServer(t, cfg), receiver
}

// One trace goes from the backend's request to what the loops have served.
func TestTraceOfAPublication(t *testing.T) {
	namespaces := channel.Open()
	namespaces.ByName = map[string]*channel.Options{"chat": &namespaces.Default}
	s, receiver := startTraced(t, 0, Config{Namespaces: namespaces})
	greet(t, s).subscribe("chat:1")
	header := map[string]string{"traceparent": traceparent}
	for _, body := range []string{`{"channel":"chat:1","data":1}`, `{"channel":"chat:1","data":1,"receipt":true}`} {
		want := `{"channel":"chat:1","offset":*,"epoch":"*","matched":1*}`
		if _, answer := call(t, s, "POST", "/api/publish", body, header); !matches(want, answer) || matches(`*"queued"*`, answer) != matches(`*"receipt"*`, body) {
			t.Errorf("%s for %s", answer, body)
		}
	}
	call(t, s, "POST", "/api/publish", `{"channel":"chat:1","data":1}`, nil) // not traced
	call(t, s, "POST", "/api/batch", `{"commands":[{"method":"publish","params":{"channel":"none","data":1}}]}`, header)
	eventually(t, "all spans", func() bool { return len(receiver.Spans()) == 3+3+4 })
	byID := make(map[string]tracingtest.Span)
	for _, span := range receiver.Spans() {
		byID[span.ID] = span
	}
	paths := make(map[string]int)
	for _, span := range byID {
		path := span.Name
		for parent, ok := byID[span.Parent]; ok; parent, ok = byID[parent.Parent] {
			path = parent.Name + " > " + path
		}
		paths[path]++
		if span.Trace != "0af7651916cd43dd8448eb211c80319c" || span.Error {
			t.Errorf("%+v", span)
		}
		matched, namespace := span.Attributes["wsedge.matched"], span.Attributes["wsedge.namespace"]
		if span.Name == "deliver" && (namespace != "chat" || matched != "1" || span.Attributes["wsedge.queued"] != "1" || span.Attributes["wsedge.dropped"] != "0") &&
			(namespace != "default" || matched != "0") {
			t.Errorf("%+v", span)
		}
	}
	for path, want := range map[string]int{
		"POST /api/publish": 2, "POST /api/publish > publish": 2, "POST /api/publish > publish > deliver": 2,
		"POST /api/batch": 1, "POST /api/batch > publish": 1, "POST /api/batch > publish > publish": 1, "POST /api/batch > publish > publish > deliver": 1,
	} {
		if paths[path] != want {
			t.Errorf("%s is there %d times, want %d", path, paths[path], want)
		}
	}
	wantMetrics(t, s, `wsedge_trace_spans_total{outcome="exported"} 10`, `wsedge_trace_spans_total{outcome="dropped"} 0`, `wsedge_trace_spans_queued 0`)
}

// What is published again with its key, and what is refused, has no delivery.
func TestTraceWithoutDelivery(t *testing.T) {
	s, receiver := startTraced(t, 1, Config{})
	post(t, s, "/api/publish", `{"channel":"news","data":1,"idempotency_key":"k"}`)
	post(t, s, "/api/publish", `{"channel":"news","data":1,"idempotency_key":"k"}`)
	post(t, s, "/api/publish", `{"channel":"no good","data":1}`)
	post(t, s, "/api/history", `{"channel":"news"}`)
	eventually(t, "all spans", func() bool { return len(receiver.Spans()) == 3+2+1+1 })
	repeated := 0
	for _, span := range receiver.Named("publish") {
		if span.Attributes["wsedge.repeated"] == "true" {
			repeated++
		}
	}
	if repeated != 1 || len(receiver.Named("deliver")) != 1 || len(receiver.Named("POST /api/history")) != 1 {
		t.Errorf("%+v", receiver.Spans())
	}
}

func TestStrangersAreNotTraced(t *testing.T) {
	const key = "the key of the backend"
	s, receiver := startTraced(t, 1, Config{Auth: apiKeys(auth.APIKey{Name: "backend", Secret: key, Scopes: []auth.Scope{auth.ScopeAll}})})
	for _, presented := range []string{"", "another key than that", key} {
		call(t, s, "POST", "/api/publish", `{"channel":"news","data":1}`, map[string]string{"traceparent": traceparent, "X-API-Key": presented})
	}
	eventually(t, "the spans of the one who may", func() bool { return len(receiver.Spans()) >= 3 })
	if n := len(receiver.Named("POST /api/publish")); n != 1 {
		t.Errorf("%d requests are recorded", n)
	}
}

// Each request to a webhook is a trace of its own, which the backend can go on with, after a reload as well.
func TestTraceOfAWebhook(t *testing.T) {
	var got atomic.Value
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got.Store(r.Header.Get("traceparent"))
		_, _ = io.WriteString(w, `{"allow":true}`)
	}))
	t.Cleanup(backend.Close)
	hooks := &webhook.Config{
		URL: backend.URL, Events: webhook.Events{webhook.Connect}, Secret: []byte("0123456789abcdef"), Timeout: 10 * time.Second,
		AllowNets: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	}
	s, receiver := startTraced(t, 1, Config{Webhooks: hooks})
	for n := 1; n <= 2; n++ {
		greet(t, s)
		eventually(t, "a span", func() bool { return len(receiver.Named("webhook connect")) == n })
		span := receiver.Named("webhook connect")[n-1]
		if want := "00-" + span.Trace + "-" + span.ID + "-01"; got.Load() != want || span.Kind != "CLIENT" || span.Parent != "" || span.Error {
			t.Errorf("%v, want %s; %+v", got.Load(), want, span)
		}
		if err := s.Reconfigure(Config{Addr: "127.0.0.1:0", Webhooks: hooks}); err != nil {
			t.Fatal(err)
		}
	}
}
