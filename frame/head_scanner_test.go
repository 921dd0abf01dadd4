package frame

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

// reasonOf gives status and token of a refusal, "" for none.
func reasonOf(err error) string {
	if err == nil {
		return ""
	}
	refusal := err.(*HandshakeError)
	return fmt.Sprintf("%d %s", refusal.Status, refusal.Reason)
}

// scanGrowing lets the buffer grow by one byte a time; seen is how much there was at the verdict.
func scanGrowing(t testing.TB, in []byte, lim *HeadLimits) (n, seen int, err error) {
	t.Helper()
	var s HeadScanner
	for seen = range len(in) + 1 {
		if n, err = s.Scan(in[:seen], lim); n > 0 || err != nil {
			if n2, err2 := s.Scan(in[:seen], lim); err != nil && (n2 != n || err2 != err) {
				t.Fatalf("%v, then %v", err, err2)
			}
			return n, seen, err
		}
	}
	return 0, len(in), nil
}

func TestHeadScanner(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	lim := &HeadLimits{MaxBytes: 200, MaxLineBytes: 50, MaxHeaders: 3}
	tests := []struct {
		name, in, want string
		seen           int // bytes at which the verdict is certain; 0: all
	}{
		{"no headers", "GET / HTTP/1.1\r\n\r\n", "", 0},
		{"headers", "GET / HTTP/1.1\r\nA: b\r\nC:\t\xFF\r\n\r\n", "", 0},
		{"bare LF behind the request line", "GET / HTTP/1.1\nHost: h\r\n\r\n", "400 bare_lf", 15},
		{"bare LF behind a header", "G\r\nA: b\n", "400 bare_lf", 0},
		{"bare LF for the end", "G\r\nA: b\r\n\n", "400 bare_lf", 0},
		{"bare CR", "G\r\nA: b\rc", "400 bare_cr", 0},
		{"CR CR LF", "G\r\r", "400 bare_cr", 0},
		{"CR CR LF for the end", "G\r\nA: b\r\n\r\r", "400 bare_cr", 0},
		{"empty line in front", "\r", "400 empty_start_line", 0},
		{"LF in front", "\n", "400 bare_lf", 0},
		{"NUL", "G\r\nA: b\x00", "400 control_byte", 0},
		{"DEL", "G\r\nA\x7F", "400 control_byte", 0},
		{"escape", "G\x1B", "400 control_byte", 0},
		{"TLS ClientHello", "\x16\x03\x01\x02", "400 control_byte", 1},
		{"line at the limit", long(50) + "\r\n\r\n", "", 0},
		{"line over the limit", long(51), "414 request_line_too_long", 0},
		{"header line may be longer", "G\r\nA:" + long(100) + "\r\n\r\n", "", 0},
		{"three headers", "G\r\nA:\r\nB:\r\nC:\r\n\r\n", "", 0},
		{"a fourth", "G\r\nA:\r\nB:\r\nC:\r\nD", "431 too_many_headers", 0},
		{"head at the limit", "G\r\n" + long(193) + "\r\n\r\n", "", 0},
		{"head over the limit", "G\r\n" + long(194) + "\r\n\r\n", "431 head_too_big", 200},
		{"header line without end", "G\r\n" + long(1000), "431 head_too_big", 200},
	}
	for _, test := range tests {
		n, seen, err := scanGrowing(t, []byte(test.in), lim)
		certain := test.seen
		if certain == 0 {
			certain = len(test.in)
		}
		if reasonOf(err) != test.want || seen != certain {
			t.Errorf("%s: %q after %d bytes, want %q after %d", test.name, reasonOf(err), seen, test.want, certain)
		}
		if test.want == "" && n != len(test.in) {
			t.Errorf("%s: head of %d bytes", test.name, n)
		}
		var s HeadScanner
		if whole, err := s.Scan([]byte(test.in+"behind"), lim); whole != n || reasonOf(err) != test.want {
			t.Errorf("%s, in one piece: %d %v", test.name, whole, err)
		}
	}
}

func TestHeadLimitsDefaults(t *testing.T) {
	if size := unsafe.Sizeof(HeadScanner{}); size > 16 {
		t.Errorf("a HeadScanner takes %d bytes", size)
	}
	headers := func(n int) []byte {
		return []byte("G\r\n" + strings.Repeat("A: b\r\n", n) + "\r\n")
	}
	for _, lim := range []*HeadLimits{nil, {}, {MaxBytes: -1, MaxLineBytes: -1, MaxHeaders: -1}} {
		for _, test := range []struct {
			in   []byte
			want string
		}{
			{headers(64), ""},
			{headers(65), "431 too_many_headers"},
			{bytes.Repeat([]byte("x"), 4097), "414 request_line_too_long"},
			{slices.Concat([]byte("G\r\nA:"), bytes.Repeat([]byte("x"), 8<<20)), "431 head_too_big"},
		} {
			var s HeadScanner
			if _, err := s.Scan(test.in, lim); reasonOf(err) != test.want {
				t.Errorf("%.20q: %v, want %q", test.in, err, test.want)
			}
		}
	}
}

// TestHeadScannerNeverLooksBack: bytes that have passed may change without any effect.
func TestHeadScannerNeverLooksBack(t *testing.T) {
	in := []byte("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	var s HeadScanner
	for seen := range in {
		if n, err := s.Scan(in[:seen], nil); n != 0 || err != nil {
			t.Fatal(seen, n, err)
		}
		for i := range seen {
			in[i] = 0
		}
	}
	if n, err := s.Scan(in, nil); n != len(in) || err != nil {
		t.Fatal(n, err)
	}
}
