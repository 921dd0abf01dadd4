package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/wsedge/wsedge/internal/channel"
)

// MaxBytes is how long a file may be.
const MaxBytes = 1 << 20

// Parse reads a file strictly. Files that it names are looked for from the directory dir. All that is wrong is reported together, as
// Problems with their lines, in one error.
func Parse(name string, text []byte, dir string) (*Document, error) {
	r := &reader{file: name, dir: dir, doc: newDocument()}
	root, err := r.parse(text)
	if err != nil {
		return nil, err
	}
	if root != nil {
		r.section(root, reflect.ValueOf(r.doc).Elem(), "")
	}
	r.checkNamespaces()
	r.checkOthers()
	if err := Join(r.problems); err != nil {
		return nil, err
	}
	return r.doc, nil
}

// reader takes a document out of a tree of YAML. It goes on after each problem.
type reader struct {
	file, dir string
	doc       *Document
	problems  []*Problem
}

// parse returns the root of the one document in a text; nil where there is nothing but comments.
func (r *reader) parse(text []byte) (*yaml.Node, error) {
	if len(text) > MaxBytes {
		return nil, &Problem{File: r.file, What: fmt.Sprintf("longer than %d bytes", MaxBytes)}
	}
	var document, second yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, r.syntax(err)
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		return nil, &Problem{File: r.file, Position: Position{second.Line, second.Column}, What: "a second document: want one"}
	case !errors.Is(err, io.EOF):
		return nil, r.syntax(err)
	}
	if len(document.Content) == 0 {
		return nil, nil
	}
	return document.Content[0], nil
}

// syntax is what the library says of a text that is no YAML.
func (r *reader) syntax(err error) error {
	var several *yaml.LoadErrors
	var one *yaml.LoadError
	if errors.As(err, &several) && len(several.Errors) > 0 {
		one = several.Errors[0]
	} else if !errors.As(err, &one) {
		return &Problem{File: r.file, What: strings.ReplaceAll(err.Error(), "\n", "; ")}
	}
	return &Problem{File: r.file, Position: Position{one.Mark.Line, one.Mark.Column}, What: strings.ReplaceAll(one.Message, "\n", "; ")}
}

func (r *reader) complain(n *yaml.Node, path, what string) {
	r.problems = append(r.problems, &Problem{r.file, Position{n.Line, n.Column}, path, what})
}

// value reads what stands at a path, of whatever kind it is to be.
func (r *reader) value(n *yaml.Node, v reflect.Value, path string) {
	t := v.Type()
	switch {
	case t.Kind() == reflect.Map:
		r.named(n, v, path)
	case t.Kind() == reflect.Slice:
		r.list(n, v, path)
	case t.Kind() == reflect.Struct && t != timeType:
		r.section(n, v, path)
	default:
		if what := leaf(v, n, optionOf(path), r.dir); what != "" {
			r.complain(n, path, what)
		}
	}
}

// section reads a mapping with the keys of a struct and no others, each of them once. Nothing is as good as an empty one, so that
// all of a section may be commented out.
func (r *reader) section(n *yaml.Node, v reflect.Value, path string) {
	r.pairs(n, path, func(key, value *yaml.Node, at string) {
		field := reflect.Value{}
		if key.Value != "" {
			field = fieldOf(v, key.Value)
		}
		if !field.IsValid() {
			r.complain(key, path, unknownKey(key.Value, keysOf(v.Type())))
			return
		}
		r.value(value, field, at)
	})
}

// named reads a mapping with keys of the user's choice, whose values are pointers to structs.
func (r *reader) named(n *yaml.Node, v reflect.Value, path string) {
	v.Set(reflect.MakeMap(v.Type()))
	r.pairs(n, path, func(key, value *yaml.Node, at string) {
		if !channel.ValidName(key.Value) || strings.Contains(key.Value, ":") {
			r.complain(key, path, fmt.Sprintf("%.300q is no name for a namespace: want letters, digits and _-.#@", key.Value))
			return
		}
		member := reflect.New(v.Type().Elem().Elem())
		r.section(value, member.Elem(), at)
		v.SetMapIndex(reflect.ValueOf(key.Value), member)
	})
}

// pairs calls read for each key of a mapping that stands there for the first time.
func (r *reader) pairs(n *yaml.Node, path string, read func(key, value *yaml.Node, at string)) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return
	}
	if n.Kind != yaml.MappingNode {
		r.complain(n, path, "want keys and values, not "+described(n))
		return
	}
	seen := make(map[string]bool)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			r.complain(key, path, "want a key, not "+described(key))
			continue
		}
		at := strings.TrimPrefix(path+"."+key.Value, ".")
		if seen[key.Value] {
			r.complain(key, at, "stands here a second time")
			continue
		}
		seen[key.Value] = true
		if value.Tag != "!!null" || value.Kind != yaml.ScalarNode { // a section of which all is commented out is not there
			r.doc.marks[at] = Position{key.Line, key.Column}
		}
		read(key, value, at)
	}
}

// list reads a sequence, or what would be its only member. Members of a list of texts go into flags with commas between.
func (r *reader) list(n *yaml.Node, v reflect.Value, path string) {
	members := n.Content
	if v.Type().Elem().Kind() == reflect.String && n.Kind == yaml.ScalarNode && n.Tag == "!!str" {
		members = []*yaml.Node{n}
	} else if v.Type().Elem().Kind() != reflect.String && n.Tag == "!!null" {
		return // all members are commented out
	} else if n.Kind != yaml.SequenceNode {
		r.complain(n, path, "want a list, not "+described(n))
		return
	}
	for i, member := range members {
		element := reflect.New(v.Type().Elem()).Elem()
		at := fmt.Sprintf("%s[%d]", path, i)
		if element.Kind() != reflect.String {
			r.doc.marks[at] = Position{member.Line, member.Column}
			r.value(member, element, at)
		} else if what := leaf(element, member, optionOf(path), r.dir); what != "" {
			r.complain(member, at, what)
		} else if s := element.String(); s == "" || strings.Contains(s, ",") {
			r.complain(member, at, "want a text that is not empty, without commas")
		}
		v.Set(reflect.Append(v, element))
	}
}

// checkNamespaces reports what the options of a namespace don't make sense together for.
func (r *reader) checkNamespaces() {
	check := func(path string, o *channel.Options) {
		for _, err := range (&channel.Namespaces{Default: *o}).Check() {
			r.problems = append(r.problems, r.doc.Problem(r.file, path, strings.TrimPrefix(err.Error(), "default namespace: ")))
		}
	}
	check("namespaces.default", &r.doc.Namespaces.Default)
	for _, name := range slices.Sorted(maps.Keys(r.doc.Namespaces.Named)) {
		check("namespaces.named."+name, r.doc.Namespaces.Named[name])
	}
}

// checkOthers reports options that need others.
func (r *reader) checkOthers() {
	wrong := func(path, what string) { r.problems = append(r.problems, r.doc.Problem(r.file, path, what)) }
	d := r.doc
	if d.Deflate.Takeover && !d.Deflate.Enabled {
		wrong("deflate.takeover", "needs deflate.enabled")
	}
	for _, rate := range []struct {
		path  string
		value int
	}{{"limits.max_frame_rate", d.Limits.MaxFrameRate}, {"limits.max_control_rate", d.Limits.MaxControlRate}} {
		if 0 < rate.value && rate.value < 10 {
			wrong(rate.path, "want at least 10, or 0 for no bound")
		}
	}
	if certs, keys := len(d.TLS.CertFiles), len(d.TLS.KeyFiles); certs != keys {
		wrong("tls", fmt.Sprintf("cert_files names %d files and key_files %d: each certificate needs its key", certs, keys))
	}
}
