// Package tracingtest is an OTLP receiver for tests: it takes what a real one would, over HTTP, and keeps the spans.
//
// It shares nothing with what sends them but the protocol's definition.
//
// Ownership: a Receiver may be used from any goroutine.
package tracingtest

import (
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Span is one that was received.
type Span struct {
	Name, Trace, ID, Parent string // the ids in hex; Parent is "" for a root
	Kind                    string // such as SERVER
	Failed                  string // the status' message; "" where there is no error
	Error                   bool
	Attributes              map[string]string
	Start, End              uint64 // Unix time in nanoseconds
}

// Receiver is a running receiver. Its fields are not to be changed once something is sent.
type Receiver struct {
	// URL is where it is, without a path.
	URL string
	// Answer, if not nil, answers in place of taking the spans.
	Answer http.HandlerFunc

	t      testing.TB
	server *httptest.Server

	mu       sync.Mutex
	spans    []Span            // guarded by mu
	resource map[string]string // guarded by mu
	header   http.Header       // guarded by mu: of the last request
}

// New starts a receiver, which ends with the test.
func New(t testing.TB) *Receiver {
	r := &Receiver{t: t}
	r.server = httptest.NewServer(http.HandlerFunc(r.serve))
	r.URL = r.server.URL
	t.Cleanup(r.server.Close)
	return r
}

// Close ends it: nobody listens there any more.
func (r *Receiver) Close() { r.server.Close() }

func (r *Receiver) serve(w http.ResponseWriter, request *http.Request) {
	if r.Answer != nil {
		r.Answer(w, request)
		return
	}
	if err := r.take(request); err != nil {
		r.t.Errorf("the receiver got what it can't read: %v", err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-protobuf") // and an empty answer, which is ExportTraceServiceResponse{}
}

func (r *Receiver) take(request *http.Request) error {
	if request.URL.Path != "/v1/traces" || request.Method != http.MethodPost || request.Header.Get("Content-Type") != "application/x-protobuf" {
		return fmt.Errorf("%s %s %s", request.Method, request.URL, request.Header.Get("Content-Type"))
	}
	var body io.Reader = request.Body
	if request.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(request.Body)
		if err != nil {
			return err
		}
		body = unzipped
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	var message collector.ExportTraceServiceRequest
	if err := proto.Unmarshal(text, &message); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.header = request.Header
	for _, resource := range message.ResourceSpans {
		r.resource = attributes(resource.Resource.Attributes)
		for _, scope := range resource.ScopeSpans {
			for _, span := range scope.Spans {
				r.spans = append(r.spans, read(span))
			}
		}
	}
	return nil
}

func read(s *otlp.Span) Span {
	return Span{
		Name: s.Name, Trace: hex.EncodeToString(s.TraceId), ID: hex.EncodeToString(s.SpanId), Parent: hex.EncodeToString(s.ParentSpanId),
		Kind: strings.TrimPrefix(s.Kind.String(), "SPAN_KIND_"), Failed: s.Status.GetMessage(), Error: s.Status.GetCode() == otlp.Status_STATUS_CODE_ERROR,
		Attributes: attributes(s.Attributes), Start: s.StartTimeUnixNano, End: s.EndTimeUnixNano,
	}
}

func attributes(list []*common.KeyValue) map[string]string {
	all := make(map[string]string)
	for _, kv := range list {
		switch v := kv.Value.Value.(type) {
		case *common.AnyValue_StringValue:
			all[kv.Key] = v.StringValue
		case *common.AnyValue_IntValue:
			all[kv.Key] = fmt.Sprint(v.IntValue)
		case *common.AnyValue_BoolValue:
			all[kv.Key] = fmt.Sprint(v.BoolValue)
		default:
			all[kv.Key] = "?"
		}
	}
	return all
}

// Spans are those received so far.
func (r *Receiver) Spans() []Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Span(nil), r.spans...)
}

// Resource is what the last spans were said to come from, and Header that of the request which brought them.
func (r *Receiver) Resource() (resource map[string]string, header http.Header) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.resource, r.header
}

// Named are the spans of that name.
func (r *Receiver) Named(name string) (found []Span) {
	for _, s := range r.Spans() {
		if s.Name == name {
			found = append(found, s)
		}
	}
	return found
}
