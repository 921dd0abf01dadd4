package loadtest

import (
	"strings"
	"testing"
)

func TestTemplates(t *testing.T) {
	all := []variable{variableChannel, variablePayload, variableConn, variableID}
	v := &values{channel: "a \"b\"/ü", conn: 7, id: 18446744073709551615, payload: []byte("stamp")}
	cases := []struct {
		text string
		as   escaping
		want string
	}{
		{"", escapeJSON, ""},
		{"plain }} {", escapeJSON, "plain }} {"},
		{`{"id":{{id}}}`, escapeJSON, `{"id":18446744073709551615}`},
		{"{{ payload }}{{conn}}", escapeJSON, "stamp7"},
		{`["{{channel}}"]`, escapeJSON, `["a \"b\"/ü"]`},
		{"/x?c={{channel}}", escapeURL, "/x?c=a%20%22b%22%2F%C3%BC"},
		{"{{channel}}", escapeNothing, `a "b"/ü`},
	}
	for _, c := range cases {
		compiled, err := compileTemplate(c.text, c.as, all...)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if got := string(compiled.append([]byte("<"), v)); got != "<"+c.want {
			t.Errorf("%q: got %q, want %q", c.text, got, c.want)
		}
	}
}

func TestTemplatesRefused(t *testing.T) {
	for text, want := range map[string]string{
		"{{name}}":       "unknown variable {{name}}; here there are {{channel}}, {{id}}",
		"{{payload}}":    "unknown variable {{payload}}",
		"{{}}":           "unknown variable {{}}",
		"a {{channel} b": `"{{" without "}}"`,
		"{{id}} {{":      `"{{" without "}}"`,
		"{{{id}}":        "unknown variable {{{id}}",
	} {
		if _, err := compileTemplate(text, escapeJSON, variableChannel, variableID); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if _, err := compileTemplate("{{id}}", escapeJSON); err == nil || !strings.Contains(err.Error(), "there are none") {
		t.Errorf("without variables: %v", err)
	}
}

func TestTemplatesKnowThemselves(t *testing.T) {
	for text, want := range map[string]struct{ fixed, only, uses bool }{
		"x": {fixed: true}, "": {fixed: true}, "{{id}}": {only: true, uses: true}, "{{id}} ": {uses: true}, "{{id}}{{id}}": {uses: true},
		"{{channel}}": {},
	} {
		compiled, err := compileTemplate(text, escapeJSON, variableChannel, variableID)
		if err != nil {
			t.Fatal(err)
		}
		if compiled.fixed() != want.fixed || compiled.only(variableID) != want.only || compiled.uses(variableID) != want.uses {
			t.Errorf("%q: fixed %v, only %v, uses %v", text, compiled.fixed(), compiled.only(variableID), compiled.uses(variableID))
		}
	}
}
