package config

// Setting is an option that the file sets and that is a flag, too.
type Setting struct {
	// Path is the option's.
	Path string
	// Flag is the flag's name, and Value what the flag takes.
	Flag, Value string
}

// Settings are what the file sets and flags mean as well, in the order of Options: the defaults of the flags.
func (d *Document) Settings() (settings []Setting) {
	for i := range Options {
		o := &Options[i]
		if o.Flag != "" && d.Has(o.Path) {
			settings = append(settings, Setting{o.Path, o.Flag, text(d.at(o.Path), o)})
		}
	}
	return settings
}
