package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

func TestHealth(t *testing.T) {
	answers := http.NewServeMux()
	answers.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	answers.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "draining", http.StatusServiceUnavailable) })
	answers.Handle("/moved", http.RedirectHandler("/healthz", http.StatusFound))
	never := make(chan struct{})
	answers.HandleFunc("/never", func(http.ResponseWriter, *http.Request) { <-never })
	plain, secure := httptest.NewServer(answers), httptest.NewTLSServer(answers)
	defer plain.Close()
	defer secure.Close()
	defer close(never)
	path := filepath.Join(t.TempDir(), "s")
	socket, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	local := httptest.NewUnstartedServer(answers)
	local.Listener = socket
	local.Start()
	defer local.Close()
	for _, row := range []struct {
		args           []string
		status         int
		stdout, stderr string
	}{
		{[]string{"--probe", plain.URL + "/healthz"}, exitOK, "ok\n", ""},
		{[]string{"--probe", plain.URL + "/readyz"}, exitFailure, "", "503"},
		{[]string{"--probe", plain.URL + "/moved"}, exitFailure, "", "302"},
		{[]string{"--probe", plain.URL + "/never", "--timeout", "50ms"}, exitFailure, "", "deadline"},
		{[]string{"--probe", secure.URL + "/healthz"}, exitFailure, "", "certificate"},
		{[]string{"--probe", secure.URL + "/healthz", "--insecure"}, exitOK, "ok\n", ""},
		{[]string{"--probe", "unix:" + path}, exitOK, "ok\n", ""},
		{[]string{"--probe", "unix:" + path + ".not"}, exitFailure, "", "no such file"},
		{[]string{"--probe", "http://a b/"}, exitUsage, "", "--probe"},
		{[]string{"--timeout", "0s"}, exitUsage, "", "--timeout"},
	} {
		status, stdout, stderr := call(nil, append([]string{"health"}, row.args...)...)
		if status != row.status || stdout != row.stdout || !strings.Contains(stderr, row.stderr) {
			t.Errorf("wsedge health %q: status %d, %q, %q", row.args, status, stdout, stderr)
		}
	}
}

// The real server says what the command wants to hear.
func TestHealthOfAServer(t *testing.T) {
	p := launch(t, "serve")
	if status, stdout, stderr := call(nil, "health", "--probe", p.url+"healthz"); status != exitOK || stdout == "" {
		t.Errorf("status %d, %q, %q", status, stdout, stderr)
	}
}
