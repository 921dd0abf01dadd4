package loadtest

import (
	"strings"
	"testing"
	"unicode"
)

// FuzzTemplate compares with a replacer of the standard library, and has rules look at anything.
func FuzzTemplate(f *testing.F) {
	for _, text := range []string{"", "{{id}}", `{"id":{{id}},"c":"{{channel}}"}`, "{{", "}}{{x}}", "{{{id}}}", `{"a":[{"b":1}]}`, "{}\n{}", "{{id\t}}"} {
		f.Add(text, "a.0.b")
	}
	v := &values{channel: "load", conn: 5, id: 12}
	replacer := strings.NewReplacer("{{channel}}", "load", "{{conn}}", "5", "{{id}}", "12")
	f.Fuzz(func(t *testing.T, text, path string) {
		compiled, err := compileTemplate(text, escapeJSON, variableChannel, variableConn, variableID)
		if got := string(compiled.append(nil, v)); err == nil && !strings.ContainsFunc(text, unicode.IsSpace) && got != replacer.Replace(text) {
			t.Errorf("%q becomes %q, want %q", text, got, replacer.Replace(text))
		}
		var m incoming
		m.take([]byte(text))
		rule, err := (&Rule{Prefix: path, JSON: map[string]string{path: text}}).compile(variableChannel)
		if err == nil && rule.holds(&m, v) && !strings.HasPrefix(text, path) {
			t.Errorf("%q begins with %q", text, path)
		}
		_ = rule.codeOf(&m)
	})
}
