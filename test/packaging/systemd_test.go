package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// exposureAtMost is what systemd-analyze security may say of the unit, from 0 to 10. It counts what is not closed: the network, above
// all, which is the server's purpose. Version 252 says 1.6; others count a little differently.
const exposureAtMost = 2.0

// systemd has nothing to say against the unit, and little is left open in it.
func TestUnit(t *testing.T) {
	needs(t, "systemd-analyze")
	dir := t.TempDir()
	binary := filepath.Join(dir, "wsedge")
	if err := os.WriteFile(binary, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	const installed = "/usr/local/bin/wsedge"
	text := read(t, "packaging/systemd/wsedge.service")
	if !strings.Contains(text, "ExecStart="+installed+" ") {
		t.Fatal("the unit starts something else")
	}
	unit := filepath.Join(dir, "wsedge.service")
	if err := os.WriteFile(unit, []byte(strings.ReplaceAll(text, installed, binary)), 0o644); err != nil {
		t.Fatal(err)
	}
	// It also reads other units of this machine, of which it may complain.
	verify := exec.Command("systemd-analyze", "verify", unit)
	out, err := verify.CombinedOutput()
	if err != nil || strings.Contains(string(out), "wsedge") {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	said := do(t, dir, nil, "systemd-analyze", "security", "--offline=true", unit)
	m := regexp.MustCompile(`Overall exposure level for wsedge.service: ([0-9.]+)`).FindStringSubmatch(said)
	if m == nil {
		t.Fatalf("systemd-analyze security:\n%s", said)
	}
	if exposure, err := strconv.ParseFloat(m[1], 64); err != nil || exposure > exposureAtMost {
		t.Errorf("exposure %s, want at most %.1f:\n%s", m[1], exposureAtMost, said)
	}
}

// A line that systemd does not know is found: the check is one.
func TestUnitCheckFindsMistakes(t *testing.T) {
	needs(t, "systemd-analyze")
	unit := filepath.Join(t.TempDir(), "wsedge.service")
	if err := os.WriteFile(unit, []byte("[Service]\nExecStart=/bin/true\nProtectEverything=yes\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("systemd-analyze", "verify", unit).CombinedOutput()
	if !strings.Contains(string(out), "ProtectEverything") {
		t.Errorf("%v: %s", err, out)
	}
}
