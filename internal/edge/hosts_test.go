package edge

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestHostsAllow(t *testing.T) {
	for _, row := range []struct {
		addr, host string
		want       bool
	}{
		{"127.0.0.1:8080", "127.0.0.1:8080", true},
		{"127.0.0.1:8080", "127.0.0.1", true},
		{"127.0.0.1:8080", "localhost:9090", true},
		{"127.0.0.1:8080", "LOCALHOST", true},
		{"127.0.0.1:8080", "demo.localhost:8080", true},
		{"127.0.0.1:8080", "[::1]:8080", true},
		{"127.0.0.1:8080", "[::1]", true},
		{"127.0.0.1:8080", "127.8.9.10", true},
		{"edge.test:8080", "edge.test:8080", true},
		{"127.0.0.1:8080", "edge.test:8080", false},
		{"127.0.0.1:8080", "localhost.evil.example", false},
		{"127.0.0.1:8080", "127.0.0.1.evil.example", false},
		{"127.0.0.1:8080", "evil.example:8080", false},
		{"127.0.0.1:8080", "192.168.0.1", false},
		{"127.0.0.1:8080", "", false},
		{":8080", "", false},
		{"unix:/run/edge.sock", "localhost", true},
		{"unix:/run/edge.sock", "127.0.0.1", true},
		{"unix:/run/edge.sock", "edge.example", false},
		{"unix:/run/edge.sock", "unix", false},
		{"unix:/run/edge.sock", "", false},
		{"unix:8080", "unix", false},
	} {
		cfg := &Config{Addr: row.addr}
		if got := newHosts(cfg).allow(row.host); got != row.want {
			t.Errorf("listening on %s, Host %q: %v", row.addr, row.host, got)
		}
	}
	if !newHosts(&Config{Addr: ":8080", InsecurePublic: true}).allow("edge.example") {
		t.Error("a public server refuses its name")
	}
}

func TestGuard(t *testing.T) {
	guard := newHosts(&Config{Addr: "127.0.0.1:8080"}).guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, row := range []struct {
		method, path, host, origin string
		want                       int
	}{
		{"GET", "/", "localhost:8080", "", 200},
		{"GET", "/", "evil.example", "", 403},
		{"GET", "/healthz", "10.0.0.7:8080", "", 200},
		{"GET", "/readyz", "10.0.0.7:8080", "", 200},
		{"GET", "/api/info", "localhost:8080", "http://evil.example", 200},
		{"POST", "/api/publish", "localhost:8080", "", 200},
		{"POST", "/api/publish", "localhost:8080", "http://localhost:8080", 200},
		{"POST", "/api/publish", "localhost:8080", "http://localhost:9090", 403},
		{"POST", "/api/publish", "localhost:8080", "http://evil.example", 403},
		{"POST", "/api/publish", "localhost:8080", "null", 403},
		{"DELETE", "/api/publish", "localhost:8080", "http://evil.example", 403},
	} {
		r := httptest.NewRequest(row.method, "http://localhost:8080"+row.path, nil)
		r.Host = row.host
		if row.origin != "" {
			r.Header.Set("Origin", row.origin)
		}
		w := httptest.NewRecorder()
		guard.ServeHTTP(w, r)
		if w.Code != row.want {
			t.Errorf("%s %s, Host %s, Origin %q: %d, want %d", row.method, row.path, row.host, row.origin, w.Code, row.want)
		}
	}
}
