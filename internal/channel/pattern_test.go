package channel

import (
	"strings"
	"testing"
)

func TestValidPattern(t *testing.T) {
	for pattern, want := range map[string]bool{
		"chat:*": true, "chat:room:*": true, "a::*": true, "::*": true, strings.Repeat("x", 253) + ":*": true, strings.Repeat("x", 254) + ":*": false,
		"*": false, ":*": false, "chat*": false, "chat:": false, "chat": false, "chat:*:*": false, "ch at:*": false, "": false, "chat:**": false,
	} {
		if got := ValidPattern(pattern); got != want {
			t.Errorf("ValidPattern(%.20q) = %v", pattern, got)
		}
	}
}

func TestCovers(t *testing.T) {
	for _, row := range []struct {
		pattern, name string
		want          bool
	}{
		{"chat:*", "chat:1", true}, {"chat:*", "chat:", true}, {"chat:*", "chat", false}, {"chat:*", "chatter:1", false}, {"chat:*", "chat:a:b", true},
		{"chat:*", "chat:a:*", true}, {"chat:a:*", "chat:*", false}, {"chat:*", "chat:*", true}, {"chat:*", "chat:room#ann", false},
	} {
		if got := Covers(row.pattern, row.name); got != row.want {
			t.Errorf("Covers(%q, %q) = %v", row.pattern, row.name, got)
		}
	}
}
