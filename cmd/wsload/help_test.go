package main

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// TestHelp looks at every command's: each flag has a heading, and no line is too wide.
func TestHelp(t *testing.T) {
	for _, command := range []string{
		"fanout", "echo", "idle", "churn", "storm", "slow", "mixed", "run", "check", "search", "curve", "floor", "agent", "compare",
	} {
		var stdout, stderr strings.Builder
		if code := run([]string{command, "--help"}, nil, &stdout, &stderr); code != exitOK || stderr.Len() > 0 {
			t.Errorf("%s: exit %d, %s", command, code, stderr.String())
		}
		text := stdout.String()
		if !strings.HasPrefix(text, "Usage: wsload "+command+" ") || !strings.Contains(text, "\n  wsload "+command+" ") {
			t.Errorf("%s: its help has no usage or no example\n%s", command, text)
		}
		if strings.Contains(text, "\n"+otherFlags+":\n") {
			t.Errorf("%s: flags without a heading in flagGroups", command)
		}
		for line := range strings.Lines(text) {
			if utf8.RuneCountInString(line) > 107 {
				t.Errorf("%s: too wide: %s", command, line)
			}
		}
	}
}

func TestHelpLeavesOutWhatIsRefused(t *testing.T) {
	for command, flag := range map[string]string{"run": "--warmup", "search": "--prometheus", "curve": "--expect", "floor": "--publish-url"} {
		var stdout strings.Builder
		run([]string{command, "--help"}, nil, &stdout, nil)
		if strings.Contains(stdout.String(), "\n  "+flag) {
			t.Errorf("%s: tells of %s", command, flag)
		}
	}
}

func TestWrap(t *testing.T) {
	if got := strings.Join(wrap("a bb ccc  dddddddd é", 5), "|"); got != "a bb|ccc|dddddddd|é" {
		t.Errorf("%q", got)
	}
}
