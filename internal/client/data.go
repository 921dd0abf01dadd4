package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// Data makes the data of a publication of what somebody has written: JSON where it is JSON, byte for byte, and else, or with text, a
// JSON string of it. The API takes nothing else: bytes that are not UTF-8 are an error.
func Data(written []byte, text bool) ([]byte, error) {
	if !utf8.Valid(written) {
		return nil, errors.New("the data is not UTF-8, and the API takes JSON only: encode it, by base64 for example")
	}
	if !text && json.Valid(written) {
		return bytes.TrimSpace(written), nil
	}
	return Text(string(written)), nil
}
