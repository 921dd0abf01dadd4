package api

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// Each method that a key can be for is counted by its name; whatever else somebody asks for is one.
func TestMethodsAreCounted(t *testing.T) {
	for path := range scopes {
		if methods[methodIndex(path)] == "other" {
			t.Errorf("%s is not among the methods", path)
		}
	}
	if methods[methodIndex(batchPath)] != "batch" {
		t.Error("neither is batch")
	}
	for _, path := range []string{"/api/", "/api/made-up", "/api/publish/", "/api/publish/x", "/api/other", ""} {
		if name := methods[methodIndex(path)]; name != "other" {
			t.Errorf("%s counts as %s", path, name)
		}
	}
}

// A handler that panics counts as failed, and one that writes no status has said 200.
func TestOddAnswersAreCounted(t *testing.T) {
	var s Stats
	for _, serve := range []http.HandlerFunc{
		func(http.ResponseWriter, *http.Request) {}, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(799) },
	} {
		func() {
			defer func() { _ = recover() }()
			s.counted(serve).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/api/publish", nil))
		}()
	}
	for _, m := range s.ByMethod() {
		if m.Method == "publish" && (m.Answered[2] != 1 || m.Answered[5] != 2) {
			t.Errorf("%+v", m)
		}
	}
}
