package main

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/loadtest"
)

func TestOptions(t *testing.T) {
	opts, err := parseOptions(loadtest.Fanout, []string{
		"ws://h/ws", "--conns", "7", "--duration=3s", "--source", "10.0.0.0/24,10.1.0.1", "--json", "f", "--header", "A: b", "--header", "C: d",
		"--outstanding", "8", "--quiet", "--arrivals", "poisson", "--seed", "9", "--expect", "p99<50ms", "--expect", "lost==0",
	}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := opts.config
	if c.URL != "ws://h/ws" || c.Conns != 7 || c.Duration != 3*time.Second || c.Warmup != 2*time.Second || len(c.Sources) != 2 ||
		len(c.Header) != 2 || len(c.Expect) != 2 || c.Outstanding != 8 || c.Rate != 8 || c.Arrivals.String() != "poisson" || c.Seed != 9 || opts.jsonFile != "f" || c.Progress != nil {
		t.Errorf("%+v", opts)
	}
}

func TestExitCodes(t *testing.T) {
	closed := "ws://" + closedAddress(t) + "/ws"
	cases := []struct {
		args   string
		code   int
		stdout string
		stderr string
	}{
		{"", exitUsage, "", "wsload fanout URL"},
		{"--help", exitOK, "wsload fanout URL", ""},
		{"flood", exitUsage, "", `unknown command "flood"`},
		{"fanout --help", exitOK, "Example:\n  wsload fanout ws://", ""},
		{"echo --help", exitOK, "Example:\n  wsload echo ws://", ""},
		{"idle -h", exitOK, "Example:\n  wsload idle ws://", ""},
		{"fanout", exitUsage, "", "want one URL"},
		{"fanout ws://h/ws ws://i/ws", exitUsage, "", "want one URL"},
		{"fanout ws://h/ws --no-such", exitUsage, "", "no-such"},
		{"fanout ws://h/ws --conns many", exitUsage, "", "conns"},
		{"fanout ws://h/ws --source nowhere", exitUsage, "", "nowhere"},
		{"fanout http://h/ws", exitUsage, "", "want a URL such as"},
		{"fanout ws://127.0.0.1:1/ws --payload 3", exitUsage, "", "payload"},
		{"echo ws://127.0.0.1:1/ws --arrivals often", exitUsage, "", "want constant, poisson"},
		{"echo ws://127.0.0.1:1/ws --arrivals poisson", exitUsage, "", "need a rate"},
		{"idle ws://127.0.0.1:1/ws --rate 5", exitUsage, "", "rate"},
		{"idle --conns 2 --quiet --duration 1ms " + closed, exitFailed, "result: FAILED: 2 connections not established", ""},
		{"fanout --help", exitOK, "--expect 'p99<50ms'", ""},
		{"idle ws://127.0.0.1:1/ws --expect p98<1ms", exitUsage, "", `no number "p98"`},
		{"worker", exitFailed, "", "no specification"},
	}
	for _, c := range cases {
		var stdout, stderr strings.Builder
		code := run(strings.Fields(c.args), strings.NewReader(""), &stdout, &stderr)
		if code != c.code || !strings.Contains(stdout.String(), c.stdout) || !strings.Contains(stderr.String(), c.stderr) {
			t.Errorf("wsload %s: exit %d, want %d\nstdout: %s\nstderr: %s", c.args, code, c.code, stdout.String(), stderr.String())
		}
	}
}

func TestJSONFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "result.json")
	var stdout, stderr strings.Builder
	run([]string{"idle", "ws://" + closedAddress(t) + "/ws", "--conns", "1", "--quiet", "--duration", "1ms", "--json", file},
		strings.NewReader(""), &stdout, &stderr)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var report loadtest.Report
	if err := json.Unmarshal(text, &report); err != nil {
		t.Fatal(err)
	}
	if report.Schema != loadtest.SchemaVersion || report.Config.Conns != 1 || report.Verdict.OK {
		t.Errorf("%+v", report)
	}
}

// closedAddress is one where nobody listens any more.
func closedAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
