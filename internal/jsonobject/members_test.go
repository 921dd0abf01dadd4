package jsonobject

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	nested := func(n int) string {
		return `{"a":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + `}`
	}
	for _, row := range []struct {
		text string
		want error
	}{
		{`{}`, nil},
		{" \n{\"a\" : 1}\t", nil},
		{nested(MaxDepth), nil},
		{nested(MaxDepth + 1), ErrTooDeep},
		{nested(20_000), ErrTooDeep},
		{strings.Repeat(`{"a":`, 1_000_000), ErrTooDeep},
		{`{"a":"` + strings.Repeat(`[`, 500) + `"}`, nil},
		{`{"a":"\"` + strings.Repeat(`[`, 500) + `"}`, nil},
		{``, ErrSyntax},
		{`   `, ErrSyntax},
		{`{`, ErrSyntax},
		{`{} {}`, ErrSyntax},
		{`{}x`, ErrSyntax},
		{`{'a':1}`, ErrSyntax},
		{`{"a":NaN}`, ErrSyntax},
		{`{"a":01}`, ErrSyntax},
		{`{"a":1,}`, ErrSyntax},
		{"{\"a\":\"\xff\"}", ErrSyntax},
		{"\xef\xbb\xbf{}", ErrSyntax},
		{`[]`, ErrNotObject},
		{`"x"`, ErrNotObject},
		{`null`, ErrNotObject},
		{` 12 `, ErrNotObject},
	} {
		if got := Check([]byte(row.text)); !errors.Is(got, row.want) {
			t.Errorf("Check(%.40q) = %v, want %v", row.text, got, row.want)
		}
	}
}

func TestMembersKeepTheirBytes(t *testing.T) {
	text := []byte(" { \"a\" : 1.50e+3 , \"b\\u0031\":\"\\u00e9<\\\"\",\"c\":[1, {\"d\":\"]\"}],\n\"e\":{\"f\":{}} ,\"g\":null,\"a\":true}")
	if err := Check(text); err != nil {
		t.Fatal(err)
	}
	want := []string{`a=1.50e+3`, `b1="\u00e9<\""`, `c=[1, {"d":"]"}]`, `e={"f":{}}`, `g=null`, `a=true`}
	var got []string
	for key, value := range Members(text) {
		got = append(got, string(key)+"="+string(value))
	}
	if !slices.Equal(got, want) {
		t.Fatalf("members\n%q\nwant\n%q", got, want)
	}
}

func TestElements(t *testing.T) {
	elements, ok := Elements([]byte(`[ "a" ,[1,2], {"b":[]},3]`))
	if !ok {
		t.Fatal("an array was not taken for one")
	}
	var got []string
	for e := range elements {
		got = append(got, string(e))
	}
	if want := []string{`"a"`, `[1,2]`, `{"b":[]}`, `3`}; !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	if _, ok := Elements([]byte(`{"a":1}`)); ok {
		t.Fatal("an object was taken for an array")
	}
}

func TestScalars(t *testing.T) {
	if s, ok := String([]byte(`"a\n\u00e9"`)); !ok || s != "a\né" {
		t.Errorf("String = %q, %v", s, ok)
	}
	if _, ok := String([]byte(`12`)); ok {
		t.Error("a number was taken for a string")
	}
	for text, want := range map[string]bool{"0": true, "18446744073709551615": true, "18446744073709551616": false, "-1": false, "1.0": false, "1e3": false, `"1"`: false} {
		if _, ok := Uint64([]byte(text)); ok != want {
			t.Errorf("Uint64(%s) ok = %v", text, ok)
		}
	}
}

// FuzzMembers compares with encoding/json: the same keys, and every value the same JSON.
func FuzzMembers(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":1,"a":2}`, ` {"x" : [ ] , "\u0061":"\\\""} `, `{"":{"":[{}]}}`, `[1]`, `{"a":tru`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if Check(text) != nil {
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatalf("accepted what encoding/json refuses: %v", err)
		}
		got := map[string]string{}
		for key, value := range Members(text) {
			got[string(key)] = string(value)
		}
		if len(got) != len(want) {
			t.Fatalf("%d members, want %d", len(got), len(want))
		}
		for key, value := range want {
			if got[key] != string(value) {
				t.Fatalf("member %q is %q, want %q", key, got[key], value)
			}
		}
	})
}
