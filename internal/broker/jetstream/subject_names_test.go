package jetstream

import (
	"strings"
	"testing"
)

func TestSubjectsOfNames(t *testing.T) {
	deep := strings.Repeat("x:", 40)
	names := []string{"a", "a:b", "a.b", "a:", ":a", ":", "::", "a::b", "a:b.c", "a%b", "a:~", "~", "~:", "a:~7E", "user#4", "chat:room:1", "chat:room", deep, deep + ":", deep + "y"}
	seen := map[string]string{}
	for _, name := range names {
		subject := subjectOf(name)
		if other, taken := seen[subject]; taken {
			t.Errorf("%q and %q are both %q", name, other, subject)
		}
		seen[subject] = name
		if strings.ContainsAny(subject, "*> \t\r\n") || strings.Contains("."+subject+".", "..") || strings.Count(subject, ".") >= subjectDepth {
			t.Errorf("%q is no subject: %q", name, subject)
		}
		if back, ok := nameOf(subject); back != name || !ok {
			t.Errorf("%q comes back as %q, %v", name, back, ok)
		}
	}
	for _, subject := range []string{"a..b", "a.b:c", "~4", "~zz", "a~41", "", "a.é"} {
		if name, ok := nameOf(subject); ok && subject != "" {
			t.Errorf("%q is the subject of %q", subject, name)
		}
	}
}

func TestCoversOfPrefixes(t *testing.T) {
	deep := strings.Repeat("x:", 40)
	for _, row := range []struct {
		prefix, name string
		want         bool
	}{
		{"chat:", "chat:1", true}, {"chat:", "chat:", true}, {"chat:", "chat:a:b", true}, {"chat:", "chat", false}, {"chat:", "chatter:1", false},
		{"chat:a:", "chat:a:b", true}, {"chat:a:", "chat:a", false}, {"chat:a:", "chat:b:a", false}, {"a::", "a::b", true}, {"a::", "a:b:", false},
		{deep, deep + "y", true}, {strings.Repeat("x:", 15), deep, true}, {strings.Repeat("x:", 16), deep, true}, {strings.Repeat("x:", 14), deep, true},
		{deep, "x:x", false},
	} {
		subject, cover := subjectOf(row.name), strings.TrimSuffix(coverOf(row.prefix), ">")
		if got := strings.HasPrefix(subject, cover) && len(subject) > len(cover); got != row.want {
			t.Errorf("%q, %q: %q covers %q: %v", row.prefix, row.name, cover, subject, got)
		}
	}
}

func FuzzSubjects(f *testing.F) {
	f.Add("chat:1", "chat:2")
	f.Add("", ":")
	f.Fuzz(func(t *testing.T, a, b string) {
		sa, sb := subjectOf(a), subjectOf(b)
		if (a == b) != (sa == sb) {
			t.Fatalf("%q and %q are %q and %q", a, b, sa, sb)
		}
		if back, ok := nameOf(sa); a != "" && (!ok || back != a) {
			t.Fatalf("%q is %q, which is %q, %v", a, sa, back, ok)
		}
	})
}
