package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// insist is set by make release-check, and has what is missing fail a test instead of skipping it.
const insist = "WSEDGE_PACKAGING"

// needs ends the test where a program is not installed.
func needs(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		if os.Getenv(insist) != "" {
			t.Fatal(err)
		}
		t.Skipf("needs %s; make release-check insists on it", program)
	}
}

// slow ends a test that takes minutes, but in make release-check.
func slow(t *testing.T) {
	t.Helper()
	if os.Getenv(insist) == "" {
		t.Skip("takes minutes; make release-check runs it")
	}
}

// read reads a file of the repository.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// do runs a program in a directory, with more of an environment, and returns what it says.
func do(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
