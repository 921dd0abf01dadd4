package frame

import (
	"bytes"
	"iter"
)

// field is one header line: views into the head.
type field struct{ name, value []byte }

// fields are the header lines of a head, in order.
type fields []field

// appendFields parses the lines of block, which a HeadScanner has passed and which ends with the empty line (RFC 9112,
// section 5). A line that begins with whitespace (obs-fold) and whitespace before the colon are refused.
func appendFields(dst fields, block []byte) (fields, *HandshakeError) {
	for {
		line, rest := cutLine(block)
		if len(line) == 0 {
			return dst, nil
		}
		if isOWS(line[0]) {
			return dst, errHeaderFold
		}
		colon := bytes.IndexByte(line, ':')
		if colon < 0 || !all(line[:colon], classToken) {
			return dst, errHeaderName
		}
		dst = append(dst, field{name: line[:colon], value: trimOWS(line[colon+1:])})
		block = rest
	}
}

// cutLine splits off the first line, without its CRLF.
func cutLine(b []byte) (line, rest []byte) {
	end := bytes.IndexByte(b, '\r')
	return b[:end], b[end+2:]
}

// count gives the number of lines called name, and the value of the first.
func (f fields) count(name string) (first []byte, n int) {
	for i := range f {
		if equalFold(f[i].name, name) {
			if n == 0 {
				first = f[i].value
			}
			n++
		}
	}
	return first, n
}

// values goes over the values of the lines called name.
func (f fields) values(name string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for i := range f {
			if equalFold(f[i].name, name) && !yield(f[i].value) {
				return
			}
		}
	}
}

// elements goes over the members of a comma-separated list that may stand on several lines (RFC 9110, section 5.6.1).
// Empty members are passed on, trimmed: what they mean is for the caller to say.
func (f fields) elements(name string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for value := range f.values(name) {
			for more := true; more; {
				var element []byte
				element, value, more = bytes.Cut(value, comma)
				if !yield(trimOWS(element)) {
					return
				}
			}
		}
	}
}

var comma = []byte{','}

// hasToken reports whether the list called name has the member token, in any ASCII case.
func (f fields) hasToken(name, token string) bool {
	for element := range f.elements(name) {
		if equalFold(element, token) {
			return true
		}
	}
	return false
}
