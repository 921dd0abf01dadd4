package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// completeInBash has a real bash complete the last of the words.
func completeInBash(t *testing.T, script string, words ...string) []string {
	t.Helper()
	const drive = `source "$1"; shift; complete -p wsedge >/dev/null || exit 9
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _wsedge wsedge "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"; printf '%s\n' "${COMPREPLY[@]}"`
	out, err := exec.Command("bash", append([]string{"--norc", "-c", drive, "bash", script}, words...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v %s", words, err, out)
	}
	return strings.Fields(string(out))
}

func TestBashCompletes(t *testing.T) {
	status, text, stderr := call(nil, "completion", "bash")
	if status != exitOK {
		t.Fatal(stderr)
	}
	script := keep(t, "wsedge.bash", text)
	t.Chdir(t.TempDir())
	put(t, "one.yaml", nil)
	put(t, "other", nil)
	for _, row := range []struct{ words, want string }{
		{"wsedge pu", "publish"}, {"wsedge s", "serve subscribe"}, {"wsedge x", ""},
		{"wsedge publish --te", "--text"}, {"wsedge publish news --id", "--idempotency-key"}, {"wsedge tail --h", "--help"},
		{"wsedge serve --config on", "one.yaml"}, {"wsedge serve --config = on", "one.yaml"}, {"wsedge serve --config =", "one.yaml other"},
		{"wsedge publish --idempotency-key o", ""}, {"wsedge publish o", ""},
		{"wsedge completion z", "zsh"}, {"wsedge token e", "explain"}, {"wsedge help pr", "presence"}, {"wsedge dance --h", ""},
	} {
		got := completeInBash(t, script, strings.Fields(row.words)...)
		if slices.Sort(got); strings.Join(got, " ") != row.want {
			t.Errorf("%s: %q", row.words, got)
		}
	}
	if got := completeInBash(t, script, "wsedge", "info", "--"); !slices.Contains(got, "--server") || !slices.Contains(got, "--help") {
		t.Errorf("flags of info: %q", got)
	}
}

// TestCompletionsHaveEverything compares them with what there is: each command, and each of its flags.
func TestCompletionsHaveEverything(t *testing.T) {
	all, err := completions()
	if err != nil {
		t.Fatal(err)
	}
	for shell, flag := range map[string]string{"bash": " --NAME", "zsh": "'--NAME", "fish": " -l NAME "} {
		_, text, _ := call(nil, "completion", shell)
		for _, c := range all {
			if !strings.Contains(text, c.name) {
				t.Errorf("%s: no %s", shell, c.name)
			}
			_, help, _ := call(nil, c.name, "--help")
			for _, o := range c.options {
				if !strings.Contains(help, "\n  --"+o.name) || !strings.Contains(text, strings.ReplaceAll(flag, "NAME", o.name)) {
					t.Errorf("%s: %s --%s", shell, c.name, o.name)
				}
			}
		}
	}
	if len(all) != len(commands)+len(apiCommands)+len(ownCommands) || len(all[0].options) < 20 {
		t.Errorf("%d commands, %d flags of %s", len(all), len(all[0].options), all[0].name)
	}
}
