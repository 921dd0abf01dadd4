package channel

import (
	"regexp"
	"strings"
	"testing"
)

func TestValidName(t *testing.T) {
	for name, want := range map[string]bool{
		"news": true, "a": true, "user#42": true, "chat:room.1": true, "a_b-c@d": true, "..": true, ":": true,
		strings.Repeat("x", 255): true, strings.Repeat("x", 256): false,
		"": false, " ": false, "a b": false, "news\n": false, "a\x00": false, "café": false, "новости": false,
		"a/b": false, "a*": false, "a>": false, `a"`: false, `a\`: false, "a%2e": false, "a,b": false,
	} {
		if got := ValidName(name); got != want {
			t.Errorf("ValidName(%q) = %v", name, got)
		}
	}
}

func FuzzValidName(f *testing.F) {
	f.Add("news")
	f.Add("")
	f.Add("a\xffb")
	grammar := regexp.MustCompile(`\A[A-Za-z0-9:_\-.#@]{1,255}\z`)
	f.Fuzz(func(t *testing.T, name string) {
		if got, want := ValidName(name), grammar.MatchString(name); got != want {
			t.Fatalf("ValidName(%q) = %v, the grammar says %v", name, got, want)
		}
	})
}
