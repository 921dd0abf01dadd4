package integration

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// completionScript writes the completion for a shell into a directory of its own, and goes there.
func completionScript(t *testing.T, shell string) string {
	t.Helper()
	text, err := exec.Command(binary, "completion", shell).Output()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "completion")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "wsedge.yaml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	return name
}

// runShell runs a shell, and returns what it prints.
func runShell(t *testing.T, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "TERM=dumb")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %q: %v", name, args, err)
	}
	return strings.TrimSpace(strings.ReplaceAll(string(out), "\r", ""))
}

// TestZshCompletes types lines with tabs into an interactive zsh.
func TestZshCompletes(t *testing.T) {
	needs(t, "zsh")
	driver, err := filepath.Abs("complete.zsh")
	if err != nil {
		t.Fatal(err)
	}
	script := completionScript(t, "zsh")
	for line, want := range map[string]string{
		"wsedge pu\tnews --te\tx":    "publish news --text x",
		"wsedge serve --conf\twse\t": "serve --config=wsedge.yaml",
		"wsedge completion zs\t":     "completion zsh",
		"wsedge help pre\t":          "help presence",
		"wsedge tail news --cou\t5":  "tail news --count=5",
	} {
		if got := runShell(t, "zsh", "-f", driver, script, line); got != want {
			t.Errorf("%q became %q, want %q", line, got, want)
		}
	}
}

func TestFishCompletes(t *testing.T) {
	needs(t, "fish")
	script := completionScript(t, "fish")
	for line, want := range map[string]string{
		"wsedge pu":                    "publish\tpublish to a channel",
		"wsedge tail news --token-f":   "--token-file\tpresent the token in file, which is read again for each connection",
		"wsedge completion z":          "zsh",
		"wsedge serve --config wse":    "wsedge.yaml",
		"wsedge publish news wse":      "",
		"wsedge publish --exclude wse": "",
	} {
		if got := runShell(t, "fish", "--no-config", "-c", "source "+script+"; complete -C '"+line+"'"); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}
