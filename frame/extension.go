package frame

// validExtensions reports whether every Sec-WebSocket-Extensions line follows the grammar (RFC 6455, section 9.1), and
// the lines name at least one extension if there are any. What the extensions are does not matter here: unknown ones are
// ignored.
func validExtensions(f fields) bool {
	lines, extensions := 0, 0
	for value := range f.values("Sec-WebSocket-Extensions") {
		lines++
		ok := walkExtensions(value, func([]byte, cursor) bool {
			extensions++
			return true
		})
		if !ok {
			return false
		}
	}
	return lines == 0 || extensions > 0
}

// walkExtensions goes over the extensions of one line, each with a cursor at its parameters, until yield returns false.
// It reports whether what it went over follows the grammar:
//
//	extension-list  = 1#extension
//	extension       = extension-token *( ";" extension-param )
//	extension-param = token [ "=" ( token | quoted-string ) ]   ; the unquoted string is a token, too
//
// Empty list members are permitted, as in all lists of HTTP.
func walkExtensions(line []byte, yield func(name []byte, params cursor) bool) bool {
	c := cursor{rest: line}
	for {
		if name := c.token(); name != nil {
			params := c
			for more := true; more; {
				var ok bool
				if _, more, ok = c.param(); !ok {
					return false
				}
			}
			if !yield(name, params) {
				return true
			}
		}
		if c.done() {
			return true
		}
		if !c.skip(',') {
			return false
		}
	}
}

// cursor walks over a header value. Each method first skips optional whitespace.
type cursor struct{ rest []byte }

func (c *cursor) done() bool {
	c.rest = trimOWS(c.rest)
	return len(c.rest) == 0
}

// skip goes past want and reports whether it was there.
func (c *cursor) skip(want byte) bool {
	if c.done() || c.rest[0] != want {
		return false
	}
	c.rest = c.rest[1:]
	return true
}

// token goes past a token and returns it; nil: there was none.
func (c *cursor) token() []byte {
	if c.done() {
		return nil
	}
	n := 0
	for n < len(c.rest) && octets[c.rest[n]]&classToken != 0 {
		n++
	}
	if n == 0 {
		return nil
	}
	token := c.rest[:n]
	c.rest = c.rest[n:]
	return token
}

// extensionParam is one parameter of an extension.
type extensionParam struct {
	name  []byte
	value []byte // nil: none. Of a quoted string it is what stands between the quotes, backslashes included
}

// param goes past one parameter. more is false where there is none; ok is false where it is malformed.
func (c *cursor) param() (p extensionParam, more, ok bool) {
	if !c.skip(';') {
		return p, false, true
	}
	if p.name = c.token(); p.name == nil {
		return p, false, false
	}
	if c.skip('=') {
		p.value = c.value()
		return p, true, p.value != nil
	}
	return p, true, true
}

// value goes past a token, plain or as a quoted string with backslash escapes, and returns it; nil: there was none.
func (c *cursor) value() []byte {
	if !c.skip('"') {
		return c.token()
	}
	for i := 0; i < len(c.rest); i++ {
		octet := c.rest[i]
		if octet == '"' {
			if i == 0 {
				return nil
			}
			value := c.rest[:i]
			c.rest = c.rest[i+1:]
			return value
		}
		if octet == '\\' && i+1 < len(c.rest) {
			i++
			octet = c.rest[i]
		}
		if octets[octet]&classToken == 0 {
			return nil
		}
	}
	return nil
}
