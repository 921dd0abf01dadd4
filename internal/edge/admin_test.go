package edge

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// fetch gets a page of a plain HTTP server, under a Host where one is given.
func fetch(t *testing.T, url, host string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host
	transport := &http.Transport{DisableKeepAlives: true}
	answer, err := (&http.Client{Transport: transport, Timeout: patience}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func TestAdminAddress(t *testing.T) {
	s := startServer(t, Config{AdminAddr: "127.0.0.1:0"})
	url := "http://" + s.AdminAddr().String()
	for path, want := range map[string]string{
		"/": "wsedge console", "/metrics": "wsedge_", "/debug/pprof/": "goroutine", "/debug/pprof/cmdline": "", "/debug/pprof/heap?debug=1": "heap profile", "/healthz": "ok", "/readyz": "ok",
	} {
		if status, body := fetch(t, url+path, ""); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %.100s", path, status, body)
		}
	}
	for _, path := range []string{"/ws", "/api/info", "/console", "/console/"} {
		if status, _ := fetch(t, url+path, ""); status != 404 {
			t.Errorf("%s on the admin address: %d", path, status)
		}
	}
	if status, _ := fetch(t, url+"/metrics", "evil.example"); status != 403 {
		t.Errorf("a foreign Host on the admin address: %d", status)
	}
	for path, want := range map[string]int{
		"/metrics": 404, "/": 404, "/debug/pprof/": 404, "/healthz": 200, "/readyz": 200, "/api/info": 200,
	} {
		if status, _ := call(t, s, "GET", path, "", nil); status != want {
			t.Errorf("%s on the public address: %d, want %d", path, status, want)
		}
	}
}

func TestWithoutAdminAddress(t *testing.T) {
	s := startServer(t, Config{})
	if s.AdminAddr() != nil {
		t.Error(s.AdminAddr())
	}
	for path, want := range map[string]int{"/metrics": 200, "/": 200, "/debug/pprof/": 404} {
		if status, _ := call(t, s, "GET", path, "", nil); status != want {
			t.Errorf("development mode, %s: %d", path, status)
		}
	}
	if status, _ := call(t, startServer(t, Config{AdminAddr: AdminOff}), "GET", "/metrics", "", nil); status != 404 {
		t.Errorf("metrics without an admin address: %d", status)
	}
}

func TestAdminAddressesNeedAWord(t *testing.T) {
	for addr, ok := range map[string]bool{
		"": true, AdminOff: true, "127.0.0.1:0": true, "[::1]:8081": true, "localhost:8081": true, ":8081": false, "0.0.0.0:1": false, "10.0.0.1:1": false,
	} {
		if err := (Config{AdminAddr: addr}).Check(); (err == nil) != ok {
			t.Errorf("%q: %v", addr, err)
		}
		if err := (Config{AdminAddr: addr, InsecureAdmin: true}).Check(); err != nil {
			t.Errorf("%q with the word: %v", addr, err)
		}
	}
	if err := (Config{AdminAddr: "8081", InsecureAdmin: true}).Check(); err == nil {
		t.Error("an address without a port was taken")
	}
}

func TestAdminAddressInUse(t *testing.T) {
	s := startServer(t, Config{AdminAddr: "127.0.0.1:0"})
	taken := s.AdminAddr().String()
	if _, err := Listen(Config{Addr: "127.0.0.1:0", AdminAddr: taken}); err == nil || !strings.Contains(err.Error(), taken) {
		t.Error(err)
	}
	if _, err := Listen(Config{Addr: taken, AdminAddr: "127.0.0.1:0"}); err == nil {
		t.Error("listening twice")
	}
}
