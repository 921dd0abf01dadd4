package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// yamlNode is a value in a YAML file, with its line.
type yamlNode = yaml.Node

// parseYAML reads a file with one document. An empty one is an error.
func parseYAML(text []byte) (*yamlNode, error) {
	var document yamlNode
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	if len(document.Content) == 0 {
		return nil, errors.New("the file is empty")
	}
	return document.Content[0], nil
}

// yamlReader takes values out of a tree strictly: what it does not know, or cannot read, is a problem with a line number. It
// goes on after each, so that all are told together.
type yamlReader struct{ problems []yamlComplaint }

type yamlComplaint struct {
	line int
	text string
}

// yamlField is a key, and what to do with its value.
type yamlField struct {
	key      string
	says     string // what it is, for people; "" for one that is only there to be refused
	set      func(*yamlNode)
	required bool
}

type yamlFields []yamlField

// find returns the field of a key; nil if there is none.
func (f yamlFields) find(key string) *yamlField {
	for i := range f {
		if f[i].key == key {
			return &f[i]
		}
	}
	return nil
}

func (r *yamlReader) complain(n *yamlNode, format string, args ...any) {
	r.problems = append(r.problems, yamlComplaint{n.Line, fmt.Sprintf(format, args...)})
}

// err is all problems, by line; nil for none.
func (r *yamlReader) err() error {
	slices.SortStableFunc(r.problems, func(a, b yamlComplaint) int { return a.line - b.line })
	var all []error
	for _, p := range r.problems {
		all = append(all, fmt.Errorf("line %d: %s", p.line, p.text))
	}
	return errors.Join(all...)
}

// mapping reads a mapping with no other keys than these, and each of them once.
func (r *yamlReader) mapping(n *yamlNode, fields yamlFields) {
	if n.Kind != yaml.MappingNode {
		r.complain(n, "want keys and values here")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		field := fields.find(key.Value)
		switch {
		case field == nil:
			r.complain(key, "unknown key %q", key.Value)
		case seen[key.Value]:
			r.complain(key, "%q stands here a second time", key.Value)
		default:
			before := len(r.problems)
			field.set(value)
			for j := before; j < len(r.problems); j++ {
				if p := &r.problems[j]; value.Kind == yaml.ScalarNode && field.says != "" {
					p.text = key.Value + ": " + p.text
				}
			}
		}
		seen[key.Value] = true
	}
	for _, field := range fields {
		if field.required && !seen[field.key] {
			r.complain(n, "%q is missing", field.key)
		}
	}
}

// each reads a list.
func (r *yamlReader) each(read func(*yamlNode)) func(*yamlNode) {
	return func(n *yamlNode) {
		if n.Kind != yaml.SequenceNode {
			r.complain(n, "want a list here")
			return
		}
		for _, element := range n.Content {
			read(element)
		}
	}
}

// value reads a single value by its text.
func (r *yamlReader) value(parse func(string) error) func(*yamlNode) {
	return func(n *yamlNode) {
		if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
			r.complain(n, "want a single value here")
			return
		}
		if err := parse(n.Value); err != nil {
			r.complain(n, "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	}
}

func (r *yamlReader) text(to *string) func(*yamlNode) {
	return r.value(func(s string) error { *to = s; return nil })
}

func (r *yamlReader) integer(to *int) func(*yamlNode) {
	return r.value(func(s string) error { return parseInt(s, to) })
}

func parseInt(s string, to *int) error {
	n, err := strconv.Atoi(s)
	if err != nil {
		return fmt.Errorf("want a whole number, not %q", s)
	}
	*to = n
	return nil
}

func (r *yamlReader) duration(to *time.Duration) func(*yamlNode) {
	return r.value(func(s string) (err error) {
		if *to, err = time.ParseDuration(s); err != nil {
			return fmt.Errorf("want a duration such as 10s, not %q", s)
		}
		return nil
	})
}

func (r *yamlReader) rate(to *float64) func(*yamlNode) {
	return r.value(func(s string) (err error) { *to, err = parseRate(s); return err })
}

func (r *yamlReader) boolean(to *bool) func(*yamlNode) {
	return r.value(func(s string) error {
		if s != "true" && s != "false" {
			return fmt.Errorf("want true or false, not %q", s)
		}
		*to = s == "true"
		return nil
	})
}

// negated reads the opposite of to.
func (r *yamlReader) negated(to *bool) func(*yamlNode) {
	return func(n *yamlNode) {
		yes := !*to
		r.boolean(&yes)(n)
		*to = !yes
	}
}
