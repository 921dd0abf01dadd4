package frame

// validExtensions reports whether every Sec-WebSocket-Extensions line follows the grammar (RFC 6455, section 9.1), and
// the lines name at least one extension if there are any:
//
//	extension-list  = 1#extension
//	extension       = extension-token *( ";" extension-param )
//	extension-param = token [ "=" ( token | quoted-string ) ]   ; the unquoted string is a token, too
//
// What the extensions are does not matter here: unknown ones are ignored.
func validExtensions(f fields) bool {
	lines, extensions := 0, 0
	for value := range f.values("Sec-WebSocket-Extensions") {
		lines++
		n, ok := countExtensions(value)
		if !ok {
			return false
		}
		extensions += n
	}
	return lines == 0 || extensions > 0
}

// countExtensions checks one line. Empty list members are permitted, as in all lists of HTTP.
func countExtensions(value []byte) (count int, ok bool) {
	c := cursor{rest: value}
	for {
		if c.skipToken() {
			count++
			if !c.skipParams() {
				return 0, false
			}
		}
		if c.done() {
			return count, true
		}
		if !c.skip(',') {
			return 0, false
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

// skipToken goes past a token and reports whether there was one.
func (c *cursor) skipToken() bool {
	if c.done() {
		return false
	}
	n := 0
	for n < len(c.rest) && octets[c.rest[n]]&classToken != 0 {
		n++
	}
	c.rest = c.rest[n:]
	return n > 0
}

// skipParams goes past any number of parameters and reports whether they were well formed.
func (c *cursor) skipParams() bool {
	for c.skip(';') {
		if !c.skipToken() {
			return false
		}
		if c.skip('=') && !c.skipValue() {
			return false
		}
	}
	return true
}

// skipValue goes past a token, plain or as a quoted string with backslash escapes, and reports whether it was one.
func (c *cursor) skipValue() bool {
	if !c.skip('"') {
		return c.skipToken()
	}
	for n := 0; len(c.rest) > 0; n++ {
		octet := c.rest[0]
		c.rest = c.rest[1:]
		if octet == '"' {
			return n > 0
		}
		if octet == '\\' && len(c.rest) > 0 {
			octet, c.rest = c.rest[0], c.rest[1:]
		}
		if octets[octet]&classToken == 0 {
			return false
		}
	}
	return false
}
