package jsonobject

import (
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// MaxDepth is how many arrays and objects may lie inside each other, the outermost one counted. RFC 8259, section 9 lets a
// parser set such a limit; real messages stay far below it, and it keeps a hostile one from costing deep recursion in the
// parsers of every subscriber.
const MaxDepth = 128

var (
	// ErrSyntax says that a text is not exactly one JSON value in UTF-8 (RFC 8259).
	ErrSyntax = errors.New("jsonobject: invalid JSON")
	// ErrNotObject says that a text is valid JSON, but no object.
	ErrNotObject = errors.New("jsonobject: not a JSON object")
	// ErrTooDeep says that a text is nested deeper than MaxDepth.
	ErrTooDeep = errors.New("jsonobject: nested too deeply")
)

// Check tells whether text is exactly one JSON object, white space around it allowed, and none of ErrSyntax, ErrNotObject
// and ErrTooDeep applies. Depth comes first: a text that is both deep and broken is ErrTooDeep.
func Check(text []byte) error {
	if depth(text) > MaxDepth {
		return ErrTooDeep
	}
	if !utf8.Valid(text) || !json.Valid(text) {
		return ErrSyntax
	}
	if text[skipSpace(text, 0)] != '{' {
		return ErrNotObject
	}
	return nil
}

// depth is the deepest nesting of brackets outside strings. It stands on no other check, so it also ends for broken texts.
func depth(text []byte) int {
	deepest, now := 0, 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i = skipString(text, i) - 1
		case '{', '[':
			now++
			deepest = max(deepest, now)
		case '}', ']':
			now--
		}
	}
	return deepest
}
