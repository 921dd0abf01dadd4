package client

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// Params are the members of a JSON object in the making. Values stand in it byte for byte as they were given. The zero value has none.
type Params struct{ text []byte }

// Raw adds a member whose value is JSON already, and returns p.
func (p *Params) Raw(name string, value []byte) *Params {
	p.text = append(append(append(append(p.text, ','), Text(name)...), ':'), value...)
	return p
}

// String adds a member, unless s is empty, and returns p.
func (p *Params) String(name, s string) *Params {
	if s == "" {
		return p
	}
	return p.Raw(name, Text(s))
}

// Flag adds a member that is true, if on, and returns p.
func (p *Params) Flag(name string, on bool) *Params {
	if !on {
		return p
	}
	return p.Raw(name, []byte("true"))
}

// Int adds a member, unless n is 0, and returns p.
func (p *Params) Int(name string, n int) *Params {
	if n == 0 {
		return p
	}
	return p.Raw(name, strconv.AppendInt(nil, int64(n), 10))
}

// List adds a member, unless there is nothing in the list, and returns p.
func (p *Params) List(name string, list []string) *Params {
	if len(list) == 0 {
		return p
	}
	return p.Raw(name, plain(list))
}

// object is all of it. It borrows p.
func (p *Params) object() []byte {
	if len(p.text) == 0 {
		return []byte("{}")
	}
	return append(append([]byte{'{'}, p.text[1:]...), '}')
}

// Text writes a string as JSON, with no more escapes than it needs.
func Text(s string) []byte { return plain(s) }

func plain(value any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(value) // a string or a list of them can't fail
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'})
}
