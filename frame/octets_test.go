package frame

import (
	"bytes"
	"strings"
	"testing"
)

// TestEqualFoldIsASCII compares all pairs of octets: only letters fold.
func TestEqualFoldIsASCII(t *testing.T) {
	fold := func(c int) int {
		if c >= 'A' && c <= 'Z' {
			return c - 'A' + 'a'
		}
		return c
	}
	for a := range 256 {
		for b := range 256 {
			if got := equalFold([]byte{byte(a)}, []byte{byte(b)}); got != (fold(a) == fold(b)) {
				t.Errorf("%q and %q: %v", rune(a), rune(b), got)
			}
		}
	}
	if equalFold([]byte("ab"), "abc") || !equalFold(nil, "") {
		t.Error("length")
	}
}

func TestOctetClasses(t *testing.T) {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	const digits = "0123456789"
	members := map[octetClass]string{
		classToken: letters + digits + "!#$%&'*+-.^_`|~",
		classHost:  letters + digits + "-._~!$&'()*+,;=",
		classDigit: digits,
		classHex:   digits + "abcdefABCDEF",
	}
	for c := range 256 {
		for class, set := range members {
			if got, want := all([]byte{byte(c)}, class), strings.IndexByte(set, byte(c)) >= 0; got != want {
				t.Errorf("class %b has %q: %v", class, rune(c), got)
			}
		}
		if got, want := all([]byte{byte(c)}, classTarget), c > 0x20 && c < 0x7F && c != '#'; got != want {
			t.Errorf("a target has %q: %v", rune(c), got)
		}
		if got, want := all([]byte{byte(c)}, classLine), c == '\t' || c >= 0x20 && c != 0x7F; got != want {
			t.Errorf("a line has %q: %v", rune(c), got)
		}
	}
	if all("", classToken) {
		t.Error("nothing is in no class")
	}
}

func TestTrimOWS(t *testing.T) {
	for in, want := range map[string]string{"": "", " ": "", "\t a\tb \t": "a\tb", "\u00A0a": "\u00A0a", "a": "a"} {
		if got := trimOWS([]byte(in)); !bytes.Equal(got, []byte(want)) {
			t.Errorf("%q: %q", in, got)
		}
	}
}
