package channel

import (
	"regexp"
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

// FuzzPattern compares what patterns are, and what they cover, with the slow reading of the rule: a pattern is a name that ends with a colon, and a
// star; it covers a name if the name begins so and is nobody's own.
func FuzzPattern(f *testing.F) {
	for _, row := range [][2]string{{"chat:*", "chat:1"}, {"chat:*", "chat:room#ann"}, {":*", ":"}, {"a::*", "a::*"}, {"*", "#"}, {"a#b:*", "a#b:c"}} {
		f.Add(row[0], row[1])
	}
	grammar := regexp.MustCompile(`\A[A-Za-z0-9:_\-.#@]+:\*\z`)
	f.Fuzz(func(t *testing.T, pattern, name string) {
		valid := grammar.MatchString(pattern) && len(pattern) <= 255
		if got := ValidPattern(pattern); got != valid {
			t.Fatalf("ValidPattern(%q) = %v", pattern, got)
		}
		if ValidName(pattern) && (valid || IsPattern(pattern)) {
			t.Fatalf("%q is a name and a pattern", pattern)
		}
		user, personal := PersonalUser(name)
		if at := strings.Index(name, "#"); personal != (at >= 0) || personal && user != name[at+1:] {
			t.Fatalf("PersonalUser(%q) = %q, %v", name, user, personal)
		}
		if !valid || !ValidName(name) {
			return
		}
		want := !strings.Contains(name, "#")
		for i := range len(pattern) - 1 {
			want = want && i < len(name) && name[i] == pattern[i]
		}
		if got := Covers(pattern, name); got != want {
			t.Fatalf("Covers(%q, %q) = %v", pattern, name, got)
		}
	})
}
