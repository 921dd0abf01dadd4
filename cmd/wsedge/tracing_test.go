package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTracingFlags(t *testing.T) {
	headers := filepath.Join(t.TempDir(), "headers")
	if err := os.WriteFile(headers, []byte("Authorization: Bearer hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	bad := headers + "-bad"
	if err := os.WriteFile(bad, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		args []string
		want string // in the error; "" for none
	}{
		{nil, ""},
		{[]string{"--tracing", "http://127.0.0.1:4318", "--tracing-ratio", "0.5", "--tracing-headers-file", headers}, ""},
		{[]string{"--tracing", "127.0.0.1:4318"}, "want http://host:port"},
		{[]string{"--tracing", "http://x", "--tracing-ratio", "2"}, "want 0 to 1"},
		{[]string{"--tracing-headers-file", headers}, "needs --tracing"},
		{[]string{"--tracing", "http://x", "--tracing-headers-file", bad}, "line 1"},
		{[]string{"--tracing", "http://x", "--tracing-headers-file", bad + "-not-there"}, "no such file"},
	} {
		flags := flag.NewFlagSet("", flag.ContinueOnError)
		f := addTracing(flags)
		if err := flags.Parse(row.args); err != nil {
			t.Fatal(err)
		}
		cfg, err := f.config()
		if row.want == "" {
			if err != nil || (cfg == nil) != (row.args == nil) || cfg != nil && (cfg.Headers["Authorization"] != "Bearer hunter2" || cfg.Ratio != 0.5) {
				t.Errorf("%v: %+v, %v", row.args, cfg, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v: %v, want %q", row.args, err, row.want)
		}
	}
}

// TestTracingInTheFile has the file's mistakes told with their line, by check as well.
func TestTracingInTheFile(t *testing.T) {
	name := file(t, "listen: {addr: 127.0.0.1:0}\ntracing:\n  url: nonsense\n")
	for _, command := range []string{"check", "serve"} {
		status, _, stderr := call(nil, command, "--config", name)
		if status != exitFailure || !strings.Contains(stderr, ":2:1: tracing: tracing URL: want http://host:port") {
			t.Errorf("%s: %d %s", command, status, stderr)
		}
	}
}
