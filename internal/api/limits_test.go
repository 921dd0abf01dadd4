package api

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/limit"
)

// ask sends a request to h.
func ask(h http.Handler) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "/api/publish", strings.NewReader("{}")))
	return w
}

func TestRequestsAtOnceAreBounded(t *testing.T) {
	var refused limit.Refusals
	busy, release := make(chan struct{}), make(chan struct{})
	h := limited(Limits{Requests: func() int { return 2 }, Refused: refused.Count}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		busy <- struct{}{}
		<-release
		w.WriteHeader(http.StatusOK)
	}))
	answered := make(chan int)
	for range 2 {
		go func() { answered <- ask(h).Code }()
		<-busy
	}
	w := ask(h)
	body, _ := io.ReadAll(w.Body)
	if w.Code != 503 || w.Header().Get("Retry-After") == "" || !strings.Contains(string(body), `"code":"unavailable"`) {
		t.Errorf("the third: %d %v %s", w.Code, w.Header(), body)
	}
	close(release)
	for range 2 {
		if status := <-answered; status != 200 {
			t.Errorf("within the bound: %d", status)
		}
	}
	go func() { <-busy }()
	if w := ask(h); w.Code != 200 {
		t.Errorf("with room again: %d", w.Code)
	}
	if n := refused.ByReason()["api_requests"]; n != 1 {
		t.Errorf("%d counted, want 1", n)
	}
}

func TestRateOfRequests(t *testing.T) {
	var limited limit.Refusals
	var refused Refused
	ok := true
	key := &auth.Backend{Name: "k"}
	h := New(Config{Refused: &refused, Backend: func(string) *auth.Backend { return key }, Limits: Limits{
		Rate:    func(got *auth.Backend) (time.Duration, bool) { return 2500 * time.Millisecond, ok && got == key },
		Refused: limited.Count,
	}})
	if w := ask(h); w.Code != 403 { // the key is for nothing
		t.Errorf("within the rate: %d", w.Code)
	}
	ok = false
	w := ask(h)
	if w.Code != 429 || w.Header().Get("Retry-After") != "3" || !strings.Contains(w.Body.String(), `"code":"rate"`) {
		t.Errorf("above the rate: %d %v %s", w.Code, w.Header(), w.Body)
	}
	if n := limited.ByReason()["api_rate"] + 10*refused.ByReason()["rate"]; n != 11 {
		t.Errorf("%d counted", n)
	}
}
