package loadtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Rule says which messages are meant. All conditions that are given must hold, and at least one must be given. Each is a
// template.
type Rule struct {
	// Equals is the whole message, Prefix its beginning, Contains any part of it.
	Equals   string `yaml:"equals"`
	Prefix   string `yaml:"prefix"`
	Contains string `yaml:"contains"`
	// JSON are values in a message that is JSON, by their path: "error.code", "items.0.name". A number, true, false or null
	// is compared as it is written, a string by its content; objects and lists equal nothing.
	JSON map[string]string `yaml:"json"`
}

// Refusal is a Rule for messages that say no.
type Refusal struct {
	Rule `yaml:",inline"`
	// Code is the path of what tells refusals apart, such as "error.code". Where it is given, a message without it is none.
	Code string `yaml:"code"`
}

// rule is a Rule, compiled.
type rule struct {
	equals, prefix, contains *template
	json                     []valueRule
	code                     []string // of a refusal; nil if none is wanted
}

type valueRule struct {
	path []string
	want template
}

// compile reads a rule; variables are those that may be used.
func (r *Rule) compile(variables ...variable) (*rule, error) {
	var problems []error
	text := func(name, text string) *template {
		if text == "" {
			return nil
		}
		t, err := compileTemplate(text, escapeJSON, variables...)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", name, err))
		}
		return &t
	}
	compiled := &rule{equals: text("equals", r.Equals), prefix: text("prefix", r.Prefix), contains: text("contains", r.Contains)}
	for _, path := range slices.Sorted(maps.Keys(r.JSON)) {
		want, err := compileTemplate(r.JSON[path], escapeNothing, variables...)
		if err != nil {
			problems = append(problems, fmt.Errorf("json.%s: %w", path, err))
		}
		compiled.json = append(compiled.json, valueRule{splitPath(path), want})
	}
	return compiled, errors.Join(problems...)
}

// empty says whether there is no condition, so that every message would do.
func (r *rule) empty() bool {
	return r.equals == nil && r.prefix == nil && r.contains == nil && len(r.json) == 0 && r.code == nil
}

// holds says whether the message is meant.
func (r *rule) holds(m *incoming, v *values) bool {
	switch {
	case r.equals != nil && !bytes.Equal(m.text, m.render(r.equals, v)),
		r.prefix != nil && !bytes.HasPrefix(m.text, m.render(r.prefix, v)),
		r.contains != nil && !bytes.Contains(m.text, m.render(r.contains, v)):
		return false
	}
	for i := range r.json {
		got, ok := m.value(r.json[i].path)
		if !ok || got != string(m.render(&r.json[i].want, v)) {
			return false
		}
	}
	if r.code != nil {
		_, ok := m.value(r.code)
		return ok
	}
	return true
}

// readsJSON says whether only a message that is JSON can be meant.
func (r *rule) readsJSON() bool { return len(r.json) > 0 }

// codeOf is what the message says at the path of the code; "refused" without one.
func (r *rule) codeOf(m *incoming) string {
	if code, ok := m.value(r.code); ok && r.code != nil {
		return foreign([]byte(code))
	}
	return "refused"
}

// incoming is a message that rules look at. As JSON it is read once, when the first rule asks for it.
type incoming struct {
	text    []byte
	read    bool
	tree    any // nil where it is not JSON
	scratch []byte
}

// take begins with another message; it borrows text.
func (m *incoming) take(text []byte) { m.text, m.read, m.tree = text, false, nil }

func (m *incoming) render(t *template, v *values) []byte {
	m.scratch = t.append(m.scratch[:0], v)
	return m.scratch
}

// isJSON says whether the message is one JSON value, and not null.
func (m *incoming) isJSON() bool {
	if !m.read {
		m.read = true
		// Numbers stay as they are written.
		decoder := json.NewDecoder(bytes.NewReader(m.text))
		decoder.UseNumber()
		if decoder.Decode(&m.tree) != nil {
			m.tree = nil
		} else if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
			m.tree = nil
		}
	}
	return m.tree != nil
}

// value is the text of the scalar at the path.
func (m *incoming) value(path []string) (string, bool) {
	if !m.isJSON() {
		return "", false
	}
	at := m.tree
	for _, part := range path {
		switch node := at.(type) {
		case map[string]any:
			next, ok := node[part]
			if !ok {
				return "", false
			}
			at = next
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(node) {
				return "", false
			}
			at = node[i]
		default:
			return "", false
		}
	}
	return scalar(at)
}

func scalar(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	case nil:
		return "null", true
	}
	return "", false
}

// splitPath takes a path apart; nil for none.
func splitPath(path string) []string {
	if path == "" {
		return nil
	}
	return strings.Split(path, ".")
}
