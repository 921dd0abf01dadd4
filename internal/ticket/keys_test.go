package ticket

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
)

func TestParseKeys(t *testing.T) {
	a, b, c := NewKey(), NewKey(), NewKey()
	text := "# new ones first\r\n\n" + a.String() + "\n  " + hex.EncodeToString(b[:]) + " \r\n" + base64.StdEncoding.EncodeToString(c[:])
	keys, err := ParseKeys([]byte(text))
	if err != nil || len(keys) != 3 || keys[0] != a || keys[1] != b || keys[2] != c {
		t.Errorf("%d keys, %v", len(keys), err)
	}
}

func TestParseKeysRefuses(t *testing.T) {
	a := NewKey().String()
	for _, row := range []struct{ text, want string }{
		{"", "there is no key in it"}, {"# nothing\n", "there is no key in it"}, {a[:42], "line 1: want 32 bytes"}, {a + "A", "line 1: want 32 bytes"},
		{a + "\n" + a, "line 2: the same key again"}, {a + "\nx\n" + a + "!", "line 2: want 32 bytes"}, {strings.Repeat("0", 64), "line 1: a key must be random"},
		{a + " " + a, "line 1: want 32 bytes"}, {strings.Repeat("g", 64), "line 1: want 32 bytes"},
	} {
		_, err := ParseKeys([]byte(row.text))
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%.10q: %v, want %s", row.text, err, row.want)
		} else if strings.Contains(err.Error(), a) {
			t.Errorf("%v: a key is quoted", err)
		}
	}
	var many []string
	for range MaxKeys + 1 {
		many = append(many, NewKey().String())
	}
	if _, err := ParseKeys([]byte(strings.Join(many, "\n"))); err == nil {
		t.Error("any number of keys is taken")
	}
	_, err := ParseKeys([]byte("x\ny\n"))
	if err == nil || !strings.Contains(err.Error(), "line 1") || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("%v: want all problems", err)
	}
}
