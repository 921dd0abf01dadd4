package frame

import "unicode/utf8"

// textState checks UTF-8 (RFC 3629) that arrives in any cut. It fails at the first octet that no valid text can have
// in its place, which is sooner than at the end of a character. The zero value is the start of a text.
type textState struct {
	missing  uint8 // continuation octets that the open character still needs
	min, max uint8 // what the next of them may be; set while missing > 0
}

// check takes the next part of the text and reports whether everything so far can be the start of valid UTF-8.
func (s *textState) check(p []byte) bool {
	for s.missing > 0 {
		if len(p) == 0 {
			return true
		}
		if !s.step(p[0]) {
			return false
		}
		p = p[1:]
	}
	tail := openTail(p)
	if !utf8.Valid(p[:tail]) {
		return false
	}
	for _, c := range p[tail:] {
		if !s.step(c) {
			return false
		}
	}
	return true
}

// complete reports whether the text may end here.
func (s *textState) complete() bool { return s.missing == 0 }

// step takes one octet.
func (s *textState) step(c byte) bool {
	if s.missing > 0 {
		if c < s.min || c > s.max {
			return false
		}
		s.missing--
		s.min, s.max = 0x80, 0xBF
		return true
	}
	s.min, s.max = 0x80, 0xBF
	switch {
	case c < 0x80:
	case c < 0xC2: // a continuation octet, or a lead octet of an overlong form
		return false
	case c < 0xE0:
		s.missing = 1
	case c < 0xF0:
		s.missing = 2
		s.narrow(c, 0xE0, 0xED)
	case c < 0xF5:
		s.missing = 3
		s.narrow(c, 0xF0, 0xF4)
	default: // beyond U+10FFFF
		return false
	}
	return true
}

// narrow limits the second octet behind a lead octet: behind low what would be overlong is shut out, behind high what
// would be a surrogate (ED) or beyond U+10FFFF (F4).
func (s *textState) narrow(c, low, high byte) {
	switch {
	case c == low && low == 0xE0:
		s.min = 0xA0
	case c == low:
		s.min = 0x90
	case c == high && high == 0xED:
		s.max = 0x9F
	case c == high:
		s.max = 0x8F
	}
}

// openTail gives the index where a character begins that p ends in the middle of, or len(p). It looks at the last
// three octets only, and at lead octets by their length alone: whether they are valid is for step to say.
func openTail(p []byte) int {
	for back := 1; back <= 3 && back <= len(p); back++ {
		c := p[len(p)-back]
		if c < 0x80 {
			break
		}
		if c >= 0xC0 {
			if characterBytes(c) > back {
				return len(p) - back
			}
			break
		}
	}
	return len(p)
}

// characterBytes is how long a character with the lead octet c >= 0xC0 is.
func characterBytes(c byte) int {
	switch {
	case c < 0xE0:
		return 2
	case c < 0xF0:
		return 3
	default:
		return 4
	}
}
