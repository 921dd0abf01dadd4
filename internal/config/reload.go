package config

import (
	"maps"
	"reflect"
	"strings"
)

// Reloaded is what the server shall go on with when the file is read anew: old, with what SIGHUP can change taken from d. refused
// are the paths that differ and need a restart.
func (d *Document) Reloaded(old *Document) (merged *Document, refused []string) {
	merged = d.clone()
	for i := range Options {
		o := &Options[i]
		if o.Reload || o.inList() {
			continue
		}
		was, is := old.at(o.Path), merged.at(o.Path)
		if old.Has(o.Path) != d.Has(o.Path) || !reflect.DeepEqual(was.Interface(), is.Interface()) {
			refused = append(refused, o.Path)
		}
		is.Set(was)
		delete(merged.marks, o.Path)
		if position, ok := old.marks[o.Path]; ok {
			merged.marks[o.Path] = position
		}
	}
	if old.Has("auth") != d.Has("auth") {
		merged.Auth = old.Auth
		merged.takeMarks(old, "auth")
		refused = append(refused, "auth")
	}
	if (old.Webhook.URL == "") != (d.Webhook.URL == "") {
		merged.Webhook = old.Webhook
		merged.takeMarks(old, "webhook")
		refused = append(refused, "webhook.url")
	}
	return merged, refused
}

// takeMarks has the file set of a section what old sets.
func (d *Document) takeMarks(old *Document, section string) {
	in := func(path string) bool { return path == section || strings.HasPrefix(path, section+".") }
	maps.DeleteFunc(d.marks, func(path string, _ Position) bool { return in(path) })
	for path, position := range old.marks {
		if in(path) {
			d.marks[path] = position
		}
	}
}
