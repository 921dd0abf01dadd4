package loadtest

import (
	"encoding/json"
	"strconv"
	"testing"
)

func TestNumberAt(t *testing.T) {
	for _, c := range []struct {
		text, path string
		want       uint64
		found      bool
	}{
		{`{"type":"message","channel":"load","data":"wsl1:x","offset":16}`, "offset", 16, true},
		{"\n { \"a\" : [1,{\"offset\":3}] , \"offset\"\t: 18446744073709 } ", "offset", 18446744073709, true},
		{`{"push":{"channel":"offset","pub":{"data":{"offset":1},"offset":5}}}`, "push.pub.offset", 5, true},
		{`{"data":"\\","o\"ffset":1,"s":"\"offset\":2","offset":3}`, "offset", 3, true},
		{`{"offset":"3"}`, "offset", 0, false},
		{`{"offset":-3}`, "offset", 0, false},
		{`{"offset":99999999999999999999}`, "offset", 0, false},
		{`{"data":{"offset":3}}`, "offset", 0, false},
		{`[{"offset":3}]`, "offset", 0, false},
		{`{"offset"`, "offset", 0, false},
		{`{"offset":`, "offset", 0, false},
		{`{"x":"\`, "offset", 0, false},
		{`{"`, "", 0, false},
		{``, "offset", 0, false},
	} {
		if got, found := numberAt([]byte(c.text), splitPath(c.path)); got != c.want || found != c.found {
			t.Errorf("%s at %s: got %d, %v, want %d, %v", c.text, c.path, got, found, c.want, c.found)
		}
	}
}

func TestItemsAt(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":{"b":[{"c":[1,2]} , "x,]",3]}}`: `{"c":[1,2]} |"x,]"|3|`,
		`{"a":{"b":[]}}`:                      "",
		`{"a":{"b":[ ]}}`:                     "",
		`{"a":{"b":{"c":1}}}`:                 "",
		`{"a":{"b":[1,`:                       "1|",
		`{"a":{"b":[`:                         "",
		`{"a":1}`:                             "",
	} {
		got := ""
		itemsAt([]byte(text), []string{"a", "b"}, func(item []byte) { got += string(item) + "|" })
		if got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

// FuzzNumberAt compares with encoding/json, where that takes the text and no key of it comes twice or has an escape.
func FuzzNumberAt(f *testing.F) {
	f.Add([]byte(`{"a":{"b":7},"b":[1,"]",{"b":2}]}`))
	f.Add([]byte(`{"x":"}\"","a" : {"c":"\\" ,"b":12}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, found := numberAt(text, []string{"a", "b"})
		var outer map[string]json.RawMessage
		var inner map[string]json.RawMessage
		if json.Unmarshal(text, &outer) != nil || len(outer["a"]) == 0 || json.Unmarshal(outer["a"], &inner) != nil {
			return
		}
		// A reader of JSON takes the last of two equal keys, we the first: there is nothing to compare then.
		if again, err := json.Marshal(outer); err != nil || len(again) == 0 || countKeys(text) != len(outer)+len(inner) {
			return
		}
		want, err := strconv.ParseUint(string(inner["b"]), 10, 63)
		if err == nil && (!found || got != want) {
			t.Errorf("%s: got %d, %v, want %d", text, got, found, want)
		}
	})
}

// countKeys is the number of colons outside of strings; more than there are keys at the upper levels where others are below.
func countKeys(text []byte) (n int) {
	for at := 0; at < len(text); at++ {
		switch text[at] {
		case '"':
			at += stringEnd(text[at:]) - 1
		case ':':
			n++
		}
	}
	return n
}
