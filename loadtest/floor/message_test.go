package floor

import (
	"bytes"
	"strings"
	"testing"
)

func TestEncode(t *testing.T) {
	cases := []struct {
		name string
		raw  bool
		data string
		want string
	}{
		{"envelope", false, `"a"`, "\x81\x3e" + `{"type":"message","channel":"load","data":"a","offset":7}`},
		{"raw", true, `"a"`, "\x81\x03\"a\""},
		{"two bytes of length", true, strings.Repeat("x", 126), "\x81\x7e\x00\x7e" + strings.Repeat("x", 126)},
	}
	cases[0].want = "\x81" + string(rune(len(cases[0].want)-2)) + cases[0].want[2:]
	for _, c := range cases {
		if got := encode([]byte(c.data), c.raw, 7); string(got) != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestPublicationData(t *testing.T) {
	for body, want := range map[string]string{
		`{"channel":"load","data":"x}y"}`: `"x}y"`, `{"data":{"a":1}}`: `{"a":1}`, `{"channel":"load"}`: "", ``: "", `"data":`: "",
	} {
		got, err := publicationData([]byte(body))
		if string(got) != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", body, got, err)
		}
	}
}

// TestLinked cuts two frames at every byte.
func TestLinked(t *testing.T) {
	wire := appendLinked(appendLinked(nil, []byte("first")), bytes.Repeat([]byte("2"), 300))
	for cut := range wire {
		var got []int
		in := append([]byte(nil), wire[:cut]...)
		for _, more := range [][]byte{nil, wire[cut:]} {
			in = append(in, more...)
			for {
				var frame []byte
				if frame, in = takeLinked(in); frame == nil {
					break
				}
				got = append(got, len(frame))
			}
		}
		if len(got) != 2 || got[0] != 5 || got[1] != 300 || len(in) != 0 {
			t.Fatalf("cut at %d: %v, %d left", cut, got, len(in))
		}
	}
}
