package loadtest

import "bytes"

// numberAt finds the whole number at a path of objects' keys in a message that is JSON, without taking it apart as a whole: it
// is asked for in every message of a run with recovery, and costs a tenth of what encoding/json does. In what is no JSON it finds
// something or nothing, but never goes wrong. Keys are compared as they are written, without escapes.
func numberAt(text []byte, path []string) (uint64, bool) { return leadingNumber(valueAt(text, path)) }

// itemsAt calls do with each value of the list at a path, as numberAt finds it.
func itemsAt(text []byte, path []string, do func(item []byte)) {
	if text = valueAt(text, path); len(text) == 0 || text[0] != '[' {
		return
	}
	for {
		text = skipSpace(text[1:])
		end := valueEnd(text)
		if end == 0 {
			return
		}
		do(text[:end])
		if text = text[end:]; len(text) == 0 || text[0] != ',' {
			return
		}
	}
}

// valueAt returns what stands at a path of objects' keys, to the end of the text; nil if there is nothing.
func valueAt(text []byte, path []string) []byte {
	for _, key := range path {
		if text = valueOf(skipSpace(text), key); text == nil {
			return nil
		}
	}
	return text
}

// valueOf returns what stands behind the key of an object, to the end of the text; nil if there is none.
func valueOf(text []byte, key string) []byte {
	if len(text) == 0 || text[0] != '{' {
		return nil
	}
	text = skipSpace(text[1:])
	for len(text) > 0 && text[0] == '"' {
		end := stringEnd(text)
		name := text[1:max(end-1, 1)]
		if text = skipSpace(text[end:]); len(text) == 0 || text[0] != ':' {
			return nil
		}
		text = skipSpace(text[1:])
		if string(name) == key {
			return text
		}
		if text = skipSpace(text[valueEnd(text):]); len(text) == 0 || text[0] != ',' {
			return nil
		}
		text = skipSpace(text[1:])
	}
	return nil
}

// stringEnd is the index behind the string that text begins with, or its length.
func stringEnd(text []byte) int {
	for at := 1; at < len(text); at++ {
		next := bytes.IndexAny(text[at:], `"\`)
		if next < 0 {
			break
		}
		if at += next; text[at] == '"' {
			return at + 1
		}
		at++ // what is escaped
	}
	return len(text)
}

// valueEnd is the index behind the value that text begins with, or its length. Brackets are counted, not paired.
func valueEnd(text []byte) int {
	depth := 0
	for at := 0; at < len(text); at++ {
		switch text[at] {
		case '"':
			at += stringEnd(text[at:]) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return at
			}
		case ',':
			if depth == 0 {
				return at
			}
		}
	}
	return len(text)
}

func skipSpace(text []byte) []byte { return bytes.TrimLeft(text, " \t\r\n") }

// leadingNumber reads digits; 19 of them are the most that cannot overflow.
func leadingNumber(text []byte) (value uint64, ok bool) {
	n := 0
	for ; n < len(text) && text[n] >= '0' && text[n] <= '9'; n++ {
		if n == 19 {
			return 0, false
		}
		value = value*10 + uint64(text[n]-'0')
	}
	return value, n > 0
}
