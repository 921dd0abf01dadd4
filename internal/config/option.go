package config

import (
	"regexp"
	"strings"
)

// Option is one key of the file, for people and for programs.
type Option struct {
	// Path is its place: listen.addr. Those of namespaces stand there once, below namespaces.default; those of list members
	// behind [].
	Path string
	// Doc says what it means, in a sentence or two.
	Doc string
	// Default is what counts without it, as the file would write it; "" for none, or for what Doc says.
	Default string
	// Danger says what may go wrong; "" where nothing much can.
	Danger string
	// Flag is the flag of wsedge serve that means the same, without its dashes; "" for none.
	Flag string
	// Words are the only values, of an option that has words.
	Words []string
	// Max is the greatest number; 0: none.
	Max int64
	// Signed numbers may be negative.
	Signed bool
	// File names a file, or several: relative to the file that says so.
	File bool
	// Secret is not to be shown, and a reason to keep the file from others.
	Secret bool
	// Reload says that SIGHUP changes it.
	Reload bool
}

// section says what the options below a key are for.
type section struct{ path, doc string }

var byPath = func() map[string]*Option {
	m := make(map[string]*Option)
	for i := range Options {
		m[Options[i].Path] = &Options[i]
	}
	return m
}()

var (
	namedNamespace = regexp.MustCompile(`^namespaces\.named\.[^.]*`)
	listIndex      = regexp.MustCompile(`\[\d+\]`)
)

// canonical is the path under which Options has what stands at a path of the file.
func canonical(path string) string {
	return listIndex.ReplaceAllString(namedNamespace.ReplaceAllString(path, "namespaces.default"), "[]")
}

// optionOf finds what Options says of a path of the file; nil for nothing.
func optionOf(path string) *Option { return byPath[canonical(path)] }

// key is the last part of the path.
func (o *Option) key() string { return o.Path[strings.LastIndexByte(o.Path, '.')+1:] }

// below tells whether the option stands directly in a section, or in the members of a list.
func (o *Option) below(section string) bool {
	return o.Path == section+"."+o.key() || o.Path == section+"[]."+o.key()
}

// inList tells whether the option belongs to members of a list.
func (o *Option) inList() bool { return strings.Contains(o.Path, "[]") }
