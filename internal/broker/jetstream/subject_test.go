package jetstream

import (
	"strings"
	"testing"
)

func TestTokensAreInjective(t *testing.T) {
	names := []string{"", "a", "A", "a.b", "a..b", "a%b", "a~2Eb", "a~b", "~", "%", ".", "..", "a b", "a*", "a>", "x:y#1@z-_", "~~", "é", "a.", ".a"}
	seen := map[string]string{}
	for _, name := range names {
		encoded := token(name)
		if other, taken := seen[encoded]; taken {
			t.Errorf("%q and %q are both %q", name, other, encoded)
		}
		seen[encoded] = name
		if strings.ContainsAny(encoded, ".*> \t\r\n/\\") {
			t.Errorf("%q is no token: %q", name, encoded)
		}
		if encoded == emptyToken {
			t.Errorf("%q looks like an empty part", name)
		}
	}
	if got := token("News:a_b-c#d@e9"); got != "News:a_b-c#d@e9" {
		t.Errorf("changed without need: %q", got)
	}
	if longest := token(strings.Repeat(".", 255)); len(longest) != 255 {
		t.Errorf("%d bytes", len(longest))
	}
}
