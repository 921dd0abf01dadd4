package loadtest

import (
	"net/netip"
	"testing"
)

func TestSources(t *testing.T) {
	loopback, remote := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("192.0.2.1")
	cases := []struct {
		list  string
		to    netip.Addr
		conns int
		want  map[int]string // address of some connections; "" is the system's choice
	}{
		{"", remote, 100, map[int]string{0: "", 99: ""}},
		{"", loopback, 9000, map[int]string{0: "127.0.0.1", 8999: "127.0.0.1"}},
		{"", loopback, 27001, map[int]string{0: "127.0.0.1", 1: "127.0.0.2", 3: "127.0.0.4", 4: "127.0.0.1"}},
		{"10.0.0.1, 10.0.0.9", remote, 10, map[int]string{0: "10.0.0.1", 1: "10.0.0.9", 2: "10.0.0.1"}},
		{"10.0.0.254/24,10.9.0.0/31", remote, 10, map[int]string{0: "10.0.0.254", 1: "10.0.0.255", 2: "10.9.0.0", 3: "10.9.0.1", 4: "10.0.0.254"}},
		{"2001:db8::ff/120", netip.MustParseAddr("2001:db8::1"), 10, map[int]string{0: "2001:db8::ff", 1: "2001:db8::ff"}},
		{"0.0.0.0/0", remote, 10, map[int]string{5: "0.0.0.5"}},
	}
	for _, c := range cases {
		var sources []netip.Prefix
		if c.list != "" {
			var err error
			if sources, err = ParseSources(c.list); err != nil {
				t.Fatal(err)
			}
		}
		ring := newSourceRing(sources, c.to, c.conns)
		for i, want := range c.want {
			got := ring.at(i)
			if want == "" && got.IsValid() || want != "" && got != netip.MustParseAddr(want) {
				t.Errorf("%q to %v: connection %d from %v, want %q", c.list, c.to, i, got, want)
			}
		}
	}
}

func TestParseSourcesRefuses(t *testing.T) {
	for _, list := range []string{"", "localhost", "10.0.0.1,", "10.0.0.0/33", "10.0.0.1,::1"} {
		if got, err := ParseSources(list); err == nil {
			t.Errorf("%q: got %v, want an error", list, got)
		}
	}
}
