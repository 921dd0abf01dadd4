package jsonobject

import (
	"bytes"
	"encoding/json"
	"iter"
	"strconv"
)

// Members yields the members of the object text in their order, as (key, value): the key unescaped, the value as the bytes
// it was written with. A key that stands there twice comes twice: who keeps the last one does as RFC 8259, section 4
// expects of most readers. The text must have passed Check.
func Members(text []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		at := skipSpace(text, skipSpace(text, 0)+1)
		for text[at] != '}' {
			keyEnd := skipString(text, at)
			key := unescape(text[at:keyEnd])
			start := skipSpace(text, skipSpace(text, keyEnd)+1) // past the colon
			end := skipValue(text, start)
			if !yield(key, text[start:end]) {
				return
			}
			at = skipSeparator(text, end)
		}
	}
}

// Elements yields the elements of the array in value, a member's value. ok is false where value is no array.
func Elements(value []byte) (elements iter.Seq[[]byte], ok bool) {
	if len(value) == 0 || value[0] != '[' {
		return nil, false
	}
	return func(yield func([]byte) bool) {
		at := skipSpace(value, 1)
		for value[at] != ']' {
			end := skipValue(value, at)
			if !yield(value[at:end]) {
				return
			}
			at = skipSeparator(value, end)
		}
	}, true
}

// String decodes value, a member's value. ok is false where it is no string.
func String(value []byte) (s string, ok bool) {
	if len(value) == 0 || value[0] != '"' {
		return "", false
	}
	return string(unescape(value)), true
}

// Uint64 decodes value, a member's value. ok is false where it is no whole number from 0 to 2^64-1 in plain digits.
func Uint64(value []byte) (n uint64, ok bool) {
	n, err := strconv.ParseUint(string(value), 10, 64)
	return n, err == nil
}

// IsObject tells whether value, a member's value, is an object, so that Members may be asked for its members.
func IsObject(value []byte) bool { return len(value) > 0 && value[0] == '{' }

// unescape borrows where it can: quoted without a backslash is its own content.
func unescape(quoted []byte) []byte {
	inside := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inside, '\\') < 0 {
		return inside
	}
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		return nil // cannot be: the text passed Check
	}
	return []byte(s)
}

func skipSeparator(text []byte, at int) int {
	at = skipSpace(text, at)
	if text[at] == ',' {
		at = skipSpace(text, at+1)
	}
	return at
}

func skipSpace(text []byte, at int) int {
	for at < len(text) && (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r') {
		at++
	}
	return at
}

// skipString returns where the string that opens at at has ended, or the end of a text in which it never does.
func skipString(text []byte, at int) int {
	for at++; at < len(text); at++ {
		switch text[at] {
		case '\\':
			at++
		case '"':
			return at + 1
		}
	}
	return len(text)
}

// skipValue returns where the value that begins at at has ended.
func skipValue(text []byte, at int) int {
	open := 0
	for at < len(text) {
		switch text[at] {
		case '"':
			at = skipString(text, at)
			if open == 0 {
				return at
			}
			continue
		case '{', '[':
			open++
		case '}', ']':
			if open == 0 {
				return at // of the object around a number, true, false or null
			}
			if open--; open == 0 {
				return at + 1
			}
		case ',', ' ', '\t', '\n', '\r':
			if open == 0 {
				return at
			}
		}
		at++
	}
	return at
}
