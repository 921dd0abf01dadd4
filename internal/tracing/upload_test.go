package tracing

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	otlp "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// attempt runs UploadTraces against what the handler answers.
func attempt(t *testing.T, ctx context.Context, answer http.HandlerFunc) error {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	u := newUploader(Config{URL: server.URL})
	t.Cleanup(func() { _ = u.Stop(ctx) })
	return u.UploadTraces(ctx, nil)
}

func TestUploadIsRepeatedWhereThatMayHelp(t *testing.T) {
	for status, want := range map[int]int64{200: 1, 429: 2, 502: 2, 503: 2, 504: 2, 307: 1, 400: 1, 401: 1, 404: 1, 500: 1} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel() // the second attempt comes a second later
			var attempts atomic.Int64
			err := attempt(t, t.Context(), func(w http.ResponseWriter, _ *http.Request) {
				if attempts.Add(1) == 1 {
					w.Header().Set("Location", "/elsewhere")
					w.WriteHeader(status)
				}
			})
			if good := status == 200 || want == 2; (err == nil) != good || attempts.Load() != want {
				t.Errorf("%d attempts, want %d: %v", attempts.Load(), want, err)
			}
		})
	}
}

// The receiver is taken at its word, but nobody waits behind the end for it.
func TestUploadGivesUp(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var attempts atomic.Int64
	err := attempt(t, ctx, func(w http.ResponseWriter, _ *http.Request) {
		attempts.Add(1)
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	if err == nil || attempts.Load() != 1 {
		t.Errorf("%d attempts: %v", attempts.Load(), err)
	}
}

func TestPartialSuccess(t *testing.T) {
	for _, row := range []struct {
		rejected int64
		message  string
		want     string
	}{{0, "", ""}, {0, "slow down", ""}, {3, "too old", `3 spans: "too old"`}} {
		text, err := proto.Marshal(&otlp.ExportTraceServiceResponse{PartialSuccess: &otlp.ExportTracePartialSuccess{RejectedSpans: row.rejected, ErrorMessage: row.message}})
		if err != nil {
			t.Fatal(err)
		}
		for cut := range text {
			_ = partialSuccess(text[:cut]) // must not panic
		}
		if err := partialSuccess(text); (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%+v: %v", row, err)
		}
	}
}

// FuzzPartialSuccess compares with protobuf itself, where that takes an answer, and wants no panic elsewhere.
func FuzzPartialSuccess(f *testing.F) {
	f.Add([]byte("\x0a\x04\x08\x03\x12\x00"))
	f.Add([]byte("\x0a\x02\x08\x03\x0a\x02\x08\x00"))
	f.Add([]byte("\x0a\x0a\x08\x04\x0a\x02\x08\x03\x0a\x02\x28\x00")) // a message where a number should be
	f.Add([]byte("not protobuf"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		got := partialSuccess(answer)
		var message otlp.ExportTraceServiceResponse
		if err := proto.Unmarshal(answer, &message); err != nil {
			return
		}
		if refused := message.PartialSuccess.GetRejectedSpans() != 0; refused != (got != nil) {
			t.Errorf("%x: %v, want %v", answer, got, &message)
		}
	})
}
