package frame

import "strings"

// octetClass says in which places of a head an octet may stand.
type octetClass uint8

const (
	classLine   octetClass = 1 << iota // in a line: HTAB, SP, VCHAR, obs-text (RFC 9110, section 5.5)
	classToken                         // in a token (RFC 9110, section 5.6.2)
	classTarget                        // in a request target: VCHAR without "#"
	classHost                          // in a registered name or IPv4 address: unreserved, sub-delims
	classDigit
	classHex
)

// octets maps each octet to its classes.
var octets = func() (table [256]octetClass) {
	for c := range table {
		table[c] = classesOf(byte(c))
	}
	return table
}()

func classesOf(c byte) octetClass {
	digit := c >= '0' && c <= '9'
	lower := c | 0x20
	alpha := lower >= 'a' && lower <= 'z'
	var class octetClass
	if c == '\t' || c >= ' ' && c != 0x7F {
		class |= classLine
	}
	if c > ' ' && c < 0x7F && c != '#' {
		class |= classTarget
	}
	if digit || alpha || among(c, "!#$%&'*+-.^_`|~") {
		class |= classToken
	}
	if digit || alpha || among(c, "-._~!$&'()*+,;=") {
		class |= classHost
	}
	if digit {
		class |= classDigit
	}
	if digit || lower >= 'a' && lower <= 'f' {
		class |= classHex
	}
	return class
}

func among(c byte, set string) bool { return strings.IndexByte(set, c) >= 0 }

// text is what the functions below take, so that neither form has to be copied to the other.
type text interface{ string | []byte }

// all reports whether s is not empty and every octet of it is in class.
func all[S text](s S, class octetClass) bool {
	for i := range len(s) {
		if octets[s[i]]&class == 0 {
			return false
		}
	}
	return len(s) > 0
}

// equalFold compares without regard to ASCII case, and to no other: names of HTTP know no Unicode folding.
func equalFold[S text](b []byte, s S) bool {
	if len(b) != len(s) {
		return false
	}
	for i, c := range b {
		if lowerASCII(c) != lowerASCII(s[i]) {
			return false
		}
	}
	return true
}

func lowerASCII(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// trimOWS cuts optional whitespace, SP and HTAB, off both ends.
func trimOWS(b []byte) []byte {
	for len(b) > 0 && isOWS(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isOWS(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

func isOWS(c byte) bool { return c == ' ' || c == '\t' }
