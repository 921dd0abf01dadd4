package main

import (
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestEngineFlags(t *testing.T) {
	dir := t.TempDir()
	short := filepath.Join(dir, "short")
	put(t, short, []byte("too short"))
	for _, row := range []struct {
		args []string
		want []string
	}{
		{[]string{"--engine", "redis"}, []string{"--engine: want memory, embedded, or URLs"}},
		{[]string{"--engine", "nats://a:4222,http://b"}, []string{"--engine: want memory"}},
		{[]string{"--engine", "nats://user:hunter2@ a"}, []string{"--engine: want memory"}},
		{[]string{"--engine", "embedded"}, []string{"needs a directory"}},
		{[]string{"--engine", "embedded", "--engine-dir", dir, "--engine-replicas", "3"}, []string{"need a cluster"}},
		{[]string{"--engine", "embedded", "--engine-dir", dir, "--cluster-listen", "0.0.0.0:7000", "--cluster-routes", "a:7000"}, []string{"a secret is required"}},
		{[]string{"--engine", "embedded", "--engine-dir", dir, "--cluster-listen", "127.0.0.1:7000", "--cluster-routes", "a:7000", "--cluster-secret-file", short, "--engine-creds", "c"},
			[]string{"want at least 16 bytes", "need an external --engine", "--engine-creds: open c"}},
		{[]string{"--engine-dir", dir, "--engine-replicas", "3", "--engine-shrink"}, []string{"need --engine embedded", "--engine-shrink need another --engine than memory"}},
		{[]string{"--engine", "nats://a", "--engine-creds", short, "--engine-nkey", "nowhere", "--engine-prefix", "a.b"}, []string{"want one of them", "--engine-nkey: open nowhere", "--engine-prefix"}},
	} {
		status, _, stderr := call(nil, append([]string{"serve", "--addr", "127.0.0.1:0"}, row.args...)...)
		if status != exitUsage || strings.Contains(stderr, "hunter2") {
			t.Errorf("%q: status %d, %s", row.args, status, stderr)
		}
		for _, want := range row.want {
			if !strings.Contains(stderr, want) {
				t.Errorf("%q:\n%slacks %s", row.args, stderr, want)
			}
		}
	}
	name := file(t, "engine:\n  use: embedded\ncluster:\n  listen: 10.0.0.1:7000\n  routes: [b:7000]\n")
	for _, command := range []string{"check", "serve"} {
		if status, _, stderr := call(nil, command, "--config", name); status != exitFailure || !strings.Contains(stderr, "needs a directory") || !strings.Contains(stderr, "a secret is required") {
			t.Errorf("%s: status %d, %s", command, status, stderr)
		}
	}
	good := file(t, "engine:\n  use: embedded\n  dir: state\n  sync: -1s\n")
	if status, _, stderr := call(nil, "check", "--config", good); status != exitOK {
		t.Errorf("status %d, %s", status, stderr)
	}
}

// Killed in the midst of it, and started again, a server with an embedded engine has everything that it had acknowledged.
func TestEmbeddedEngineSurvivesAKill(t *testing.T) {
	dir := t.TempDir()
	args := []string{"serve", "--engine", "embedded", "--engine-dir", dir, "--history-size", "100"}
	p := start(t, args...)
	for _, data := range []string{"1", "2", "3"} {
		if answer := p.post("api/publish", `{"channel":"news","data":`+data+`}`); !strings.Contains(answer, `"offset":`) {
			t.Fatal(answer)
		}
	}
	before := p.post("api/history", `{"channel":"news","limit":10}`)
	p.signal(syscall.SIGKILL)
	p.exit()
	p = launch(t, args...)
	after := p.post("api/history", `{"channel":"news","limit":10}`)
	if before != after || strings.Count(after, `"data":`) != 3 {
		t.Errorf("before: %s\nafter: %s", before, after)
	}
	if _, _, stderr := call(nil, append(args, "--addr", "127.0.0.1:0")...); !strings.Contains(stderr, "in use by another process") {
		t.Error(stderr)
	}
}

func (p *program) post(path, body string) string {
	p.t.Helper()
	response, err := http.Post(p.url+path, "application/json", strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}
