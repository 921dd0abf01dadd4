package main

import (
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// FuzzDecode: whatever a member sends, what is made of it for the others is JSON in UTF-8, and no longer than a bound.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{"type":"chat","content":"<b>","id":7}`, `{"type":"join","room":"a","username":"b"}`, `null`, `[`, "\"\xff\"", `{"id":{}}`, `{"content":"\ud800"}`, `{"TYPE":"chat"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		in := decode(payload)
		for _, out := range [][]byte{
			encode(output{Type: "chat", Username: in.Username, Content: in.Content, ID: in.ID}),
			encode(output{Type: "error", Message: in.problem, ID: in.ID}),
		} {
			if !json.Valid(out) || !utf8.Valid(out) || len(out) > 6*len(payload)+200 {
				t.Errorf("%q became %q", payload, out)
			}
		}
	})
}
