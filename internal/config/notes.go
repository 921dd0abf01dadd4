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
		if o.Danger == "" || !d.Has(o.Path) { // those of list members are never had: each would be told of
			continue
		}
		if v := d.at(o.Path); v.Kind() == reflect.Bool && v.Bool() || kindOf(v.Type(), o) == kindList && v.Len() > 0 {
			notes = append(notes, Note{o.Path, o.Danger})
		}
	}
	if d.Log.Push.Enabled && d.Log.Push.Data == "head" {
		notes = append(notes, Note{"log.push.data", "the push log has contents of publications"})
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

// SecretFiles are the files that the document names and nobody else should be able to read.
func (d *Document) SecretFiles() (files []string) {
	files = append(files, d.TLS.KeyFiles...)
	for i := range d.Auth.Keys {
		files = append(files, d.Auth.Keys[i].SecretFile)
	}
	for i := range d.Auth.APIKeys {
		files = append(files, d.Auth.APIKeys[i].SecretFile)
	}
	files = append(files, d.Tracing.HeadersFile, d.Tickets.KeysFile)
	return slices.DeleteFunc(files, func(name string) bool { return name == "" })
}

// HasSecrets tells whether secrets stand in the document itself.
func (d *Document) HasSecrets() bool {
	return len(d.Tickets.Keys) > 0 || slices.ContainsFunc(d.Auth.Keys, func(k AuthKey) bool { return k.Secret != "" }) ||
		slices.ContainsFunc(d.Auth.APIKeys, func(k APIKey) bool { return k.Secret != "" })
}
