package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/internal/doctor"
)

func TestDoctor(t *testing.T) {
	file := filepath.Join(t.TempDir(), "wsedge.yaml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("limits:\n  max_conns: 7\nlisten:\n  loops: 3\n")
	status, stdout, stderr := call(nil, "doctor", "--config", file, "--json", "--pid", strconv.Itoa(os.Getpid()))
	if status != exitOK {
		t.Fatalf("status %d: %s", status, stderr)
	}
	var report doctor.Report
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatalf("%v\n%s", err, stdout)
	}
	seen := map[string]doctor.Finding{}
	for _, f := range report.Findings {
		seen[f.Name] = f
	}
	if _, err := os.Stat("/proc/self/limits"); err != nil {
		if seen["machine"].Status != doctor.Unknown {
			t.Errorf("on a system without /proc: %s", stdout)
		}
		return
	}
	if report.BoundBy != "max_conns" || *report.Connections != 7 || report.Asked != 7 || !strings.HasPrefix(seen["CPUs"].Means, "3 event loops") {
		t.Errorf("the configuration does not count: %s", stdout)
	}
	if status, stdout, _ := call(nil, "doctor", "--config", file, "--conns", "8"); status != exitFailure || !strings.Contains(stdout, "That does not do for 8. In the way: max_conns.") {
		t.Errorf("status %d: %s", status, stdout)
	}
	write("limits:\n  max_conns: many\n")
	if status, _, stderr := call(nil, "doctor", "--config", file); status != exitFailure || !strings.Contains(stderr, "max_conns") {
		t.Errorf("status %d: %s", status, stderr)
	}
	if status, _, stderr := call(nil, "doctor", "--pid", "2000000000"); status != exitFailure || !strings.Contains(stderr, "no process 2000000000") {
		t.Errorf("status %d: %s", status, stderr)
	}
	if status, _, stderr := call(nil, "doctor", "--conns", "-1"); status != exitUsage || !strings.Contains(stderr, "must not be negative") {
		t.Errorf("status %d: %s", status, stderr)
	}
}

// What is configured costs memory, and that counts.
func TestPlanOfAConfiguration(t *testing.T) {
	const node = doctor.ProcessBytes + 2*defaultNodeBytes
	for _, row := range []struct {
		text       string
		user, node int64
	}{
		{"limits:\n  max_conns: 7\n", doctor.PlainBytes, node},
		{"auth:\n  anonymous: true\n", doctor.PlainBytes + doctor.AuthBytes, node},
		{"tls:\n  cert_files: [a]\n  key_files: [b]\n", doctor.TLSBytes, node},
		{"tls:\n  cert_files: [a]\n  key_files: [b]\n  compact: true\n", doctor.CompactTLSBytes, node},
		{"limits:\n  node_max_bytes: 1MiB\n  history_max_bytes: 2MiB\n", doctor.PlainBytes, doctor.ProcessBytes + 3<<20},
		{"deflate:\n  enabled: true\n  takeover: true\n", doctor.PlainBytes, node + doctor.TakeoverBytes},
	} {
		file := filepath.Join(t.TempDir(), "wsedge.yaml")
		if err := os.WriteFile(file, []byte(row.text), 0o600); err != nil {
			t.Fatal(err)
		}
		plan, err := planOf(&environment{os.Stdout, os.Stderr, func(string) (string, bool) { return "", false }}, file)
		if err != nil || plan.UserBytes != row.user || plan.NodeBytes != row.node {
			t.Errorf("%q: %+v, %v", row.text, plan, err)
		}
	}
}
