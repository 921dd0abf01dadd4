package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"
)

// maxDepth is how many arrays and objects may lie inside each other in a token.
const maxDepth = 8

var errJSON = errors.New("not one JSON object in UTF-8, without duplicate names and at most 8 deep")

// object takes apart exactly one JSON object. Names must not come twice, at any depth: readers differ on which one counts (RFC
// 7519, section 4 lets a reader refuse). Names count as they are written, upper and lower case.
func object(text []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
		return nil, errJSON
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') || !unique(d, '{', 1) {
		return nil, errJSON
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errJSON
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, errJSON
	}
	return members, nil
}

// unique reads the rest of the array or object that has been opened, and tells whether it is as object wants it.
func unique(d *json.Decoder, open json.Delim, depth int) bool {
	if depth > maxDepth {
		return false
	}
	seen := make(map[string]bool)
	for d.More() {
		if open == '{' {
			name, err := d.Token()
			if err != nil || seen[name.(string)] {
				return false
			}
			seen[name.(string)] = true
		}
		t, err := d.Token()
		if err != nil {
			return false
		}
		if nested, ok := t.(json.Delim); ok && !unique(d, nested, depth+1) {
			return false
		}
	}
	_, err := d.Token()
	return err == nil
}

// text decodes a JSON string of at most most bytes without control characters. ok is false for anything else.
func text(value json.RawMessage, most int) (s string, ok bool) {
	if len(value) == 0 || value[0] != '"' || json.Unmarshal(value, &s) != nil || len(s) > most {
		return "", false
	}
	for _, r := range s {
		if r < ' ' || r == 0x7f {
			return "", false
		}
	}
	return s, true
}
