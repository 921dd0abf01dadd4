package main

import (
	"strings"
	"testing"
)

// TestEveryCommandHasAnExample walks the table: help names each command with a summary, and its own help has a usage and an example
// that is a call of it.
func TestEveryCommandHasAnExample(t *testing.T) {
	_, all, _ := call(nil, "help")
	for _, g := range groups() {
		if !strings.Contains(all, "\n"+g.title+":\n") {
			t.Errorf("help has no group %q", g.title)
		}
		for _, c := range g.commands {
			if !strings.Contains(all, "  wsedge "+c.name+" ") || c.summary == "" {
				t.Errorf("help does not list %s", c.name)
			}
			status, text, stderr := call(nil, c.name, "--help")
			if status != exitOK || stderr != "" {
				t.Errorf("%s --help: status %d, %s", c.name, status, stderr)
			}
			_, example, _ := strings.Cut(text, "\nExample:\n\n")
			example, _, _ = strings.Cut(example, "\n\nFlags:\n")
			if !strings.HasPrefix(text, c.name+" ") || !strings.Contains(text, "\nUsage: wsedge "+c.name+" ") || !strings.Contains(example, "wsedge "+c.name) {
				t.Errorf("%s --help:\n%s", c.name, text)
			}
			if _, again, _ := call(nil, "help", c.name); again != text {
				t.Errorf("help %s:\n%s", c.name, again)
			}
		}
	}
}

func TestArgumentsAmongFlags(t *testing.T) {
	for _, row := range []struct {
		args, want string
	}{
		{"a --text b", "a b true"}, {"--text a b", "a b true"}, {"a b --text", "a b true"}, {"a -- --text", "a --text false"}, {"-- a b", "a b false"}, {"a -", "a - false"},
	} {
		e := &environment{nil, nil, func(string) (string, bool) { return "", false }}
		flags := newArguments(e, "x", "A B", "", "")
		text := flags.Bool("text", false, "")
		arguments, err := parseArguments(e, flags, strings.Fields(row.args), 2, 2)
		if got := strings.Join(arguments, " ") + map[bool]string{true: " true", false: " false"}[*text]; err != nil || got != row.want {
			t.Errorf("%s: %s %v", row.args, got, err)
		}
	}
}
