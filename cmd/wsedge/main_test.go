package main

import (
	"bytes"
	"runtime/debug"
	"strings"
	"testing"
)

// call runs the program with the arguments and the environment.
func call(env map[string]string, args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	status = run(&environment{&out, &errs, func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	}}, args)
	return status, out.String(), errs.String()
}

func TestUsage(t *testing.T) {
	for _, row := range []struct {
		args           []string
		status         int
		stdout, stderr string
	}{
		{nil, exitUsage, "", "wsedge serve"},
		{[]string{"help"}, exitOK, "wsedge serve", ""},
		{[]string{"--help"}, exitOK, "wsedge serve", ""},
		{[]string{"dance"}, exitUsage, "", `no command "dance"`},
		{[]string{"serve", "--help"}, exitOK, "wsedge serve --addr", ""},
		{[]string{"echo", "-h"}, exitOK, "--max-message bytes", ""},
		{[]string{"version", "--help"}, exitOK, "wsedge version", ""},
		{[]string{"serve", "--nope"}, exitUsage, "", "-nope"},
		{[]string{"serve", "extra"}, exitUsage, "", `"extra" is too much`},
		{[]string{"serve", "--log-format", "xml"}, exitUsage, "", "want text or json"},
		{[]string{"serve", "--addr", "0.0.0.0:0"}, exitUsage, "", "--insecure-public"},
		{[]string{"serve", "--addr", "nonsense"}, exitUsage, "", "want host:port"},
		{[]string{"serve", "--addr", "unix:@abstract"}, exitUsage, "", "want a path"},
		{[]string{"serve", "--addr", "unix:/nowhere/at/all.sock"}, exitFailure, "", "unix:/nowhere/at/all.sock"},
		{[]string{"serve", "--socket-mode", "rw"}, exitUsage, "", "octal"},
		{[]string{"serve", "--socket-mode", "01777"}, exitUsage, "", "octal"},
		{[]string{"serve", "--proxy-protocol", "10.0.0.0/40"}, exitUsage, "", `"10.0.0.0/40": want a network`},
		{[]string{"serve", "--trusted-proxies", "10.0.0.0/8,proxy"}, exitUsage, "", `"proxy": want a network`},
		{[]string{"echo", "--trusted-proxies", "10.0.0.1/8"}, exitUsage, "", `"10.0.0.1/8": want a network`},
		{[]string{"version"}, exitOK, "wsedge ", ""},
	} {
		status, stdout, stderr := call(nil, row.args...)
		if status != row.status || !strings.Contains(stdout, row.stdout) || !strings.Contains(stderr, row.stderr) {
			t.Errorf("wsedge %q: status %d\nstdout: %s\nstderr: %s", row.args, status, stdout, stderr)
		}
		if (row.stdout == "") != (stdout == "") {
			t.Errorf("wsedge %q: stdout %q", row.args, stdout)
		}
	}
}

func TestEnvironmentSetsFlags(t *testing.T) {
	status, _, stderr := call(map[string]string{"WSEDGE_ADDR": "nonsense"}, "serve")
	if status != exitUsage || !strings.Contains(stderr, `"nonsense"`) {
		t.Errorf("status %d, %s", status, stderr)
	}
	status, _, stderr = call(map[string]string{"WSEDGE_ADDR": "0.0.0.0:0"}, "serve", "--addr", "nonsense")
	if status != exitUsage || !strings.Contains(stderr, `"nonsense"`) {
		t.Errorf("the command line does not win: status %d, %s", status, stderr)
	}
	status, _, stderr = call(map[string]string{"WSEDGE_PING_INTERVAL": "soon", "WSEDGE_MAX_CONNS": "many"}, "serve")
	if status != exitUsage || !strings.Contains(stderr, "WSEDGE_PING_INTERVAL") || !strings.Contains(stderr, "WSEDGE_MAX_CONNS") {
		t.Errorf("status %d, %s", status, stderr)
	}
}

func TestDescribe(t *testing.T) {
	info := &debug.BuildInfo{
		Main: debug.Module{Version: "v1.2.3"},
		Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.modified", Value: "true"},
		},
	}
	if got := describe(info); got != "v1.2.3 0123456789ab modified" {
		t.Error(got)
	}
	if got := describe(&debug.BuildInfo{}); got != "(devel)" {
		t.Error(got)
	}
}
