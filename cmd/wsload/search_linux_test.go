package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/loadtest"
)

func TestSearchUsage(t *testing.T) {
	cases := []struct {
		args   string
		code   int
		stdout string
		stderr string
	}{
		{"search --help", exitOK, "--goal 'p99<50ms'", ""},
		{"curve --help", exitOK, "--points", ""},
		{"floor --help", exitOK, "wsload floor --conns", ""},
		{"search ws://h/ws", exitUsage, "", "needs a goal"},
		{"search", exitUsage, "", "want one URL"},
		{"search ws://h/ws --goal p98<1ms", exitUsage, "", `no number "p98"`},
		{"search ws://h/ws --goal lost==0 --over time --from 1 --to 2", exitUsage, "", "rate or conns"},
		{"search ws://h/ws --goal lost==0 --from 3 --to 2", exitUsage, "", "must not be below"},
		{"search ws://h/ws --precision often", exitUsage, "", "want a share"},
		{"search ws://h/ws --scenario flood", exitUsage, "", "want fanout, echo or idle"},
		{"curve ws://h/ws --points 2", exitUsage, "", "points must be"},
		{"curve ws://h/ws --prometheus :1", exitUsage, "", "one run"},
		{"curve ws://h/ws --scenario idle", exitUsage, "", "no rate"},
		{"search nightly.yaml --goal lost==0", exitUsage, "", "nothing for a search to vary"},
		{"curve nightly.yml", exitUsage, "", "nothing for a curve to vary"},
		{"curve ws://h/ws --scenario churn", exitUsage, "", "churn is a list of phases"},
		{"curve ws://h/ws --agents a:1 --agent-token-file /does/not/exist", exitUsage, "", "/does/not/exist"},
		{"floor ws://h/ws", exitUsage, "", "the floor has no URL"},
		{"floor --payload 1 --quiet", exitUsage, "", "payload"},
		{"floor-server", exitFailed, "", "no specification"},
		{"fanout ws://127.0.0.1:1/ws --floor --floor-rounds 101", exitUsage, "", "floor-rounds"},
	}
	for _, c := range cases {
		var stdout, stderr strings.Builder
		code := run(strings.Fields(c.args), strings.NewReader(""), &stdout, &stderr)
		if code != c.code || !strings.Contains(stdout.String(), c.stdout) || !strings.Contains(stderr.String(), c.stderr) {
			t.Errorf("%s: %d, %q, %q", c.args, code, stdout.String(), stderr.String())
		}
	}
}

// TestSearchNobody searches where nobody listens: no step passes, and the files are written.
func TestSearchNobody(t *testing.T) {
	dir := t.TempDir()
	files := []string{filepath.Join(dir, "j"), filepath.Join(dir, "c"), filepath.Join(dir, "h")}
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"search --goal lost==0 --over conns --from 1 --to 4", exitUnexpected, "result: not even 1 connections (failed)"},
		{"curve --over conns --from 1 --to 4 --points 3", exitOK, "saturated: from 1 connections on"},
	} {
		args := append(strings.Fields(c.args), "ws://"+closedAddress(t)+"/ws", "--scenario", "idle", "--duration", "1ms", "--settle", "0", "--warmup", "0",
			"--pause", "1ms", "--quiet", "--json", files[0], "--csv", files[1], "--html", files[2])
		var stdout, stderr strings.Builder
		if code := run(args, nil, &stdout, &stderr); code != c.code || !strings.Contains(stdout.String(), c.says) {
			t.Errorf("%s: %d, %s, %s", c.args, code, stdout.String(), stderr.String())
		}
		for _, name := range files {
			if info, err := os.Stat(name); err != nil || info.Size() == 0 {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestSearchExit(t *testing.T) {
	for _, c := range []struct {
		outcome loadtest.SearchOutcome
		by      string
		want    int
	}{
		{loadtest.SearchFound, loadtest.CauseGoal, exitOK}, {loadtest.SearchAlways, "", exitOK}, {loadtest.SearchFound, loadtest.CauseGenerator, exitInvalid},
		{loadtest.SearchNever, loadtest.CauseFailed, exitUnexpected}, {loadtest.SearchNever, loadtest.CauseGenerator, exitInvalid},
		{loadtest.SearchUnfinished, loadtest.CauseGenerator, exitFailed},
	} {
		if got := searchExit(&loadtest.SearchResult{Outcome: c.outcome, LimitedBy: c.by}); got != c.want {
			t.Errorf("%s by %q: %d, want %d", c.outcome, c.by, got, c.want)
		}
	}
}
