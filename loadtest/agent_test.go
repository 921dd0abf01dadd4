package loadtest

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"slices"
	"testing"
)

func TestParseAgents(t *testing.T) {
	got, err := ParseAgents("a:1, [::1]:2=0.5,10.0.0.1:3=4")
	if want := []Agent{{"a:1", 0}, {"[::1]:2", 0.5}, {"10.0.0.1:3", 4}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "a", "a:", "a:1,", "a:1=", "a:1=0", "a:1=-1", "a:1=NaN", "a:1=Inf"} {
		if got, err := ParseAgents(bad); err == nil {
			t.Errorf("%q: got %v", bad, got)
		}
	}
}

func TestTargetRules(t *testing.T) {
	cases := []struct {
		rule, target string
		allowed      bool
	}{
		{"10.1.2.3/8", "10.200.0.1:80", true},
		{"10.0.0.0/8", "11.0.0.1:80", false},
		{"10.0.0.0/8", "[::ffff:10.0.0.1]:80", true},
		{"2001:db8::/32", "[2001:db8::1]:443", true},
		{"10.0.0.1:8080", "10.0.0.1:8080", true},
		{"10.0.0.1:8080", "10.0.0.1:8081", false},
		{"10.0.0.1:8080", "10.0.0.2:8080", false},
		{"localhost:80", "127.0.0.1:80", true},
		{"localhost:80", "127.0.0.2:80", false},
		{"no.such.host.invalid:80", "127.0.0.1:80", false},
	}
	for _, c := range cases {
		rule, err := ParseTargetRule(c.rule)
		if err != nil {
			t.Fatal(err)
		}
		if got := allowed(t.Context(), []TargetRule{rule}, netip.MustParseAddrPort(c.target)); (got == nil) != c.allowed {
			t.Errorf("%s to %s: %v", c.rule, c.target, got)
		}
	}
	if err := allowed(t.Context(), nil, netip.MustParseAddrPort("10.0.0.1:1")); err != nil {
		t.Errorf("without rules: %v", err)
	}
	for _, bad := range []string{"", "10.0.0.1", "10.0.0.0/33", "host", "host:0", "host:x", ":80"} {
		if got, err := ParseTargetRule(bad); err == nil {
			t.Errorf("%q: got %v", bad, got)
		}
	}
}

func TestBacklog(t *testing.T) {
	b := newBacklog()
	if err := errors.Join(b.put([]byte("one ")), b.put([]byte("two"))); err != nil {
		t.Fatal(err)
	}
	if err := b.put(make([]byte, maxBacklog)); err == nil {
		t.Error("it takes more than it may")
	}
	read := make(chan []byte)
	go func() {
		all, _ := io.ReadAll(b)
		read <- all
	}()
	if err := b.put([]byte(" three")); err != nil {
		t.Error(err)
	}
	b.close()
	if err := b.put([]byte("late")); err != nil {
		t.Error(err)
	}
	if got := <-read; !bytes.HasPrefix(got, []byte("one two")) || bytes.Contains(got, []byte("late")) {
		t.Errorf("read %q", got)
	}
}
