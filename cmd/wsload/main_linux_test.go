package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wsedge/wsedge/loadtest"
)

func TestOptions(t *testing.T) {
	opts, err := parseOptions(loadtest.Fanout, []string{
		"ws://h/ws", "--conns", "7", "--duration=3s", "--source", "10.0.0.0/24,10.1.0.1", "--json", "f", "--header", "A: b", "--header", "C: d",
		"--outstanding", "8", "--quiet", "--html=h", "--csv", "c", "--prometheus", ":1", "--arrivals", "poisson", "--seed", "9",
		"--expect", "p99<50ms", "--expect", "lost==0",
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := opts.config
	if c.URL != "ws://h/ws" || c.Conns != 7 || c.Duration != 3*time.Second || c.Warmup != 2*time.Second || len(c.Sources) != 2 ||
		len(c.Header) != 2 || len(c.Expect) != 2 || c.Outstanding != 8 || c.Rate != 8 || c.Arrivals.String() != "poisson" || c.Seed != 9 ||
		opts.files != (outputs{"f", "c", "h"}) || opts.prometheus != ":1" || !opts.quiet {
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
		{"help storm", exitOK, "Usage: wsload storm URL", ""},
		{"flood", exitUsage, "", `unknown command "flood"`},
		{"fanout --help", exitOK, "Examples:\n  wsload fanout ws://", ""},
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
		{"idle --prometheus nowhere:x ws://127.0.0.1:1/ws", exitUsage, "", "prometheus"},
		{"fanout ws://127.0.0.1:1/ws --conns many --no-such --rate x --json", exitUsage, "", "--json needs a value\n  --conns \"many\": want a whole number\n" +
			"  unknown flag --no-such\n  --rate \"x\": want a number\n  (see wsload fanout --help)"},
		{"idle --conns 0 --duration 0s --max-in-flight 0", exitUsage, "", "--max-in-flight must be more than 0\n  want one URL"},
		{"idle ws://h/ws ---conns=3 --json=", exitUsage, "", "bad flag syntax: ---conns=3"},
		{"idle ws://h/ws --no-such --help", exitOK, "Connections:\n  --conns N ", ""},
		{"fanout ws://h/ws --rate 0", exitUsage, "", "wsload idle holds connections"},
		{"fanout ws://h/ws --quiet=perhaps", exitUsage, "", "--quiet \"perhaps\": want true or false"},
		{"fanout ws://h/ws --settle 5", exitUsage, "", "--settle \"5\": want a duration such as"},
		{"fanout ws://h/ws --conns 0x --conns 99999999999999999999", exitUsage, "", "value out of range"},
		{"fanout ws://127.0.0.1:1/ws --json /does/not/exist --html /", exitUsage, "", "--html: open /: is a directory"},
		{"fanout ws://127.0.0.1:1/ws --json same --csv same", exitUsage, "", "--json and --csv name the same file, same"},
		{"fanout ws://127.0.0.1:1/ws --insecure", exitUsage, "", "for wss and https"},
		{"fanout wss://127.0.0.1:1/ws --ca /does/not/exist --key /nor/this", exitUsage, "", "--key: open /nor/this"},
		{"idle ws://127.0.0.1:1/ws --pid 99999999", exitUsage, "", "process 99999999"},
		{"idle ws://127.0.0.1:1/ws --metrics http://" + closed[5:], exitUsage, "", "connection refused"},
		{"idle ws://127.0.0.1:99999/ws", exitUsage, "", "99999"},
		{"storm ws://127.0.0.1:1/ws --drop-by explosion --drop 200%", exitUsage, "", "up to 100%"},
		{"storm ws://127.0.0.1:1/ws --drop-by explosion", exitUsage, "", "drop-by must be"},
		{"churn --help", exitOK, "Connections that end and come back:\n  --churn RATE", ""},
		{"run --help", exitOK, "Usage: wsload run FILE", ""},
		{"check --help", exitOK, "Usage: wsload check FILE", ""},
		{"check", exitUsage, "", "want one scenario file, not 0 arguments\n  (see wsload check --help)"},
		{"check /does/not/exist", exitUsage, "", "/does/not/exist"},
		{"floor --pid 1 --rate 0 somewhere", exitUsage, "", "--pid: the floor's processes are measured anyway"},
		{"search ws://h/ws --prometheus :1 --expect lost==0", exitUsage, "", "--prometheus: it is for one run\n  --expect: "},
		{"curve ws://h/ws --accept-invalid", exitUsage, "", "--accept-invalid"},
		{"agent --listen 127.0.0.1:0 --allow-target nonsense elsewhere", exitUsage, "", "not \"elsewhere\""},
		{"compare --help", exitOK, "Example:\n  wsload compare", ""},
		{"compare", exitUsage, "", "want two results"},
		{"compare a b c", exitUsage, "", "want two results"},
		{"compare a vs", exitUsage, "", "want two results"},
		{"compare a vs b vs c", exitUsage, "", "want two results"},
		{"compare /does/not/exist /nor/this", exitFailed, "", "/nor/this"},
		{"worker", exitFailed, "", "no specification"},
		{"agent --help", exitOK, "Example:\n", ""},
		{"agent --token-file /does/not/exist", exitUsage, "", "/does/not/exist"},
		{"agent", exitUsage, "", "--token-file"},
		{"agent somewhere", exitUsage, "", "somewhere"},
		{"agent --allow-target nonsense", exitUsage, "", "neither a CIDR range"},
		{"fanout ws://127.0.0.1:1/ws --agents here", exitUsage, "", "want HOST:PORT"},
		{"fanout ws://127.0.0.1:1/ws --agents h:1", exitUsage, "", "--agent-token-file"},
		{"fanout ws://127.0.0.1:1/ws --with-local", exitUsage, "", "agents only"},
	}
	for _, c := range cases {
		var stdout, stderr strings.Builder
		code := run(strings.Fields(c.args), strings.NewReader(""), &stdout, &stderr)
		if code != c.code || !strings.Contains(stdout.String(), c.stdout) || !strings.Contains(stderr.String(), c.stderr) {
			t.Errorf("wsload %s: exit %d, want %d\nstdout: %s\nstderr: %s", c.args, code, c.code, stdout.String(), stderr.String())
		}
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	var stdout, stderr strings.Builder
	run([]string{"idle", "ws://" + closedAddress(t) + "/ws", "--conns", "1", "--duration", "1ms", "--json", dir + "/r.json",
		"--csv", dir + "/r.csv", "--html", dir + "/r.html"}, strings.NewReader(""), &stdout, &stderr)
	report, err := readResult(dir + "/r.json")
	if err != nil {
		t.Fatal(err)
	}
	if report.Config.Conns != 1 || report.Verdict.OK {
		t.Errorf("%+v", report)
	}
	for name, want := range map[string]string{"r.csv": "at_s,length_s,", "r.html": "<strong>FAILED</strong>"} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: %v, %q", name, err, text)
		}
	}
	stdout.Reset()
	if code := run([]string{"compare", dir + "/r.json", dir + "/r.json"}, nil, &stdout, &stderr); code != exitOK ||
		!strings.Contains(stdout.String(), "the round of A failed") {
		t.Errorf("exit %d\n%s%s", code, stdout.String(), stderr.String())
	}
}

// TestFilesThatCannotBeWritten has one that shows it only when it is written, which keeps no other from being written.
func TestFilesThatCannotBeWritten(t *testing.T) {
	var stdout, stderr strings.Builder
	good := filepath.Join(t.TempDir(), "r.json")
	code := run([]string{"idle", "ws://" + closedAddress(t) + "/ws", "--conns", "1", "--duration", "1ms", "--quiet", "--html", "/dev/full",
		"--csv", "/dev/full", "--json", good}, strings.NewReader(""), &stdout, &stderr)
	if code != exitFailed || !strings.Contains(stderr.String(), "--html: write /dev/full") || !strings.Contains(stderr.String(), "--csv: write /dev/full") {
		t.Errorf("exit %d, %s", code, stderr.String())
	}
	if _, err := os.Stat(good); err != nil {
		t.Error("one file that fails keeps another from being written")
	}
}

// TestFilesAreTriedFirst looks at what trying leaves behind.
func TestFilesAreTriedFirst(t *testing.T) {
	dir := t.TempDir()
	kept, absent := filepath.Join(dir, "kept"), filepath.Join(dir, "absent")
	if err := os.WriteFile(kept, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (outputs{kept, absent, "/dev/null"}).check(); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(kept); err != nil || string(text) != "before" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := os.Stat(absent); err == nil {
		t.Error("a file is left behind")
	}
}

func TestMetricsAreServed(t *testing.T) {
	opts := &options{prometheus: closedAddress(t), quiet: true}
	stop, err := opts.observe(&strings.Builder{})
	if err != nil {
		t.Fatal(err)
	}
	opts.config.Observe(loadtest.Status{Delivered: 77})
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get("http://" + opts.prometheus + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil || !strings.Contains(string(text), "\nwsload_delivered_total 77\n") {
		t.Errorf("%v, %s", err, text)
	}
	answer.Body.Close()
	stop()
	if _, err := client.Get("http://" + opts.prometheus + "/metrics"); err == nil {
		t.Error("still served after the run")
	}
}

// TestWhereThereIsAView has a pseudo-terminal, a pipe, and something that is no file.
func TestWhereThereIsAView(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	if err := unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 33, Col: 77}); err != nil {
		t.Fatal(err)
	}
	in, pipe, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer pipe.Close()
	t.Setenv("TERM", "xterm")
	if viewOn(terminal) != terminal || viewOn(pipe) != nil || viewOn(&strings.Builder{}) != nil {
		t.Error("a view elsewhere than on a terminal")
	}
	if columns, rows := terminalSize(terminal); columns != 77 || rows != 33 {
		t.Errorf("%d columns, %d rows", columns, rows)
	}
	t.Setenv("TERM", "dumb")
	if viewOn(terminal) != nil {
		t.Error("a view on a terminal that cannot draw")
	}
}

// closedAddress is one where nobody listens. Its port is below those of which systems give one to whoever asks for any, which somebody else may
// get meanwhile.
func closedAddress(t *testing.T) string {
	t.Helper()
	for {
		address := fmt.Sprint("127.0.0.1:", 10_000+rand.N(20_000))
		listener, err := net.Listen("tcp", address)
		if errors.Is(err, unix.EADDRINUSE) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		listener.Close()
		return address
	}
}
