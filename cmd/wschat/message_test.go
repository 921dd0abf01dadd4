package main

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestDeep: JSON that the others' parsers could fail at goes no further. Brackets in texts are none.
func TestDeep(t *testing.T) {
	nested := func(levels int, open, end string) []byte {
		return []byte(`{"type":"chat","content":` + strings.Repeat(open, levels) + "1" + strings.Repeat(end, levels) + `}`)
	}
	for _, row := range []struct {
		payload []byte
		problem string
	}{
		{nested(99, "[", "]"), ""}, {nested(100, "[", "]"), "JSON is nested too deeply"}, {nested(100, `{"a":`, "}"), "JSON is nested too deeply"},
		{[]byte(`{"type":"chat","content":"\\\"` + strings.Repeat("[", 200) + `"}`), ""}, {nested(12_000, "[", "]"), "Invalid JSON"},
	} {
		if got := decode(row.payload).problem; got != row.problem {
			t.Errorf("%.40s: %q, want %q", row.payload, got, row.problem)
		}
	}
}

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
