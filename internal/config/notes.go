package config

import (
	"maps"
	"reflect"
	"slices"

	"github.com/wsedge/wsedge/internal/channel"
)

// Note is something in a file that is in order, and still worth a look.
type Note struct {
	// Path is the option's or the section's.
	Path string
	What string
}

// Notes are what is notable in the document itself: options that are dangerous as they are set, and namespaces that nobody can use.
func (d *Document) Notes() (notes []Note) {
	for i := range Options {
		o := &Options[i]
		if o.Danger == "" || !d.Has(o.Path) {
			continue
		}
		if v := d.at(o.Path); v.Kind() == reflect.Bool && v.Bool() || kindOf(v.Type(), o) == kindList && v.Len() > 0 {
			notes = append(notes, Note{o.Path, o.Danger})
		}
	}
	anybody := d.Namespaces.Default.Subscribe != channel.Nobody
	for _, name := range slices.Sorted(maps.Keys(d.Namespaces.Named)) {
		o := d.Namespaces.Named[name]
		anybody = anybody || o.Subscribe != channel.Nobody
		notes = append(notes, open("namespaces.named."+name, o)...)
	}
	notes = append(notes, open("namespaces.default", &d.Namespaces.Default)...)
	if !anybody {
		notes = append(notes, Note{"namespaces", "nobody may subscribe anywhere: set subscribe in a namespace"})
	}
	return notes
}

// open tells of a namespace in which anyone may publish.
func open(path string, o *channel.Options) []Note {
	if o.Publish == channel.Anyone {
		return []Note{{path + ".publish", "anyone, anonymous clients included, may publish"}}
	}
	return nil
}

// SecretFiles are the files that the document names and nobody else should be able to read, in the order of Options.
func (d *Document) SecretFiles() (files []string) {
	for i := range Options {
		o := &Options[i]
		if !o.Secret || !o.File || !d.Has(o.Path) {
			continue
		}
		switch v := d.at(o.Path); {
		case kindOf(v.Type(), o) == kindList:
			files = append(files, v.Interface().([]string)...)
		case v.String() != "":
			files = append(files, v.String())
		}
	}
	return files
}
