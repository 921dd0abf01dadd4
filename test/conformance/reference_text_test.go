package conformance

import "unicode/utf8"

// check goes on with the text that is arriving and reports whether it can still become one.
func (p *peer) check(b []byte) bool {
	if p.op != text || p.d == checksNoText {
		return true
	}
	b = append(p.unchecked, b...)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			if n = p.forgives(b); n == 0 {
				if utf8.FullRune(b) {
					return false
				}
				break
			}
		}
		if p.d == refusesNonCharacters && (r&0xFFFE == 0xFFFE || r >= 0xFDD0 && r <= 0xFDEF) {
			return false
		}
		b = b[n:]
	}
	p.unchecked = append([]byte(nil), b...)
	return true
}

// forgives is how many octets a defect takes for a character that is none.
func (p *peer) forgives(b []byte) int {
	in := func(i int, lo, hi byte) bool { return len(b) > i && b[i] >= lo && b[i] <= hi }
	switch {
	case p.d == acceptsSurrogates && in(0, 0xED, 0xED) && in(1, 0xA0, 0xBF) && in(2, 0x80, 0xBF):
		return 3
	case p.d == acceptsOverlong && in(0, 0xC0, 0xC1) && in(1, 0x80, 0xBF):
		return 2
	case p.d == acceptsBeyondUnicode && in(0, 0xF4, 0xF4) && in(1, 0x90, 0xBF) && in(2, 0x80, 0xBF) && in(3, 0x80, 0xBF):
		return 4
	}
	return 0
}
