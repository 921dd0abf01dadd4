package limit

import (
	"net/netip"
	"testing"
)

func TestAddressKey(t *testing.T) {
	key := func(s string) Key { return AddressKey(netip.MustParseAddr(s)) }
	for _, row := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
		{"fe80::1%eth0", "fe80::2", true},
		{"::1", "0.0.0.1", false},
		{"::1", "127.0.0.1", false},
	} {
		if (key(row.a) == key(row.b)) != row.same {
			t.Errorf("%s and %s: same is %v, want %v", row.a, row.b, !row.same, row.same)
		}
	}
	for _, a := range []string{"0.0.0.0", "::", "192.0.2.1"} {
		if key(a) == (Key{}) {
			t.Errorf("%s has the key of nobody", a)
		}
	}
}

func TestNameKey(t *testing.T) {
	seen := make(map[Key]bool)
	for _, name := range []string{"", "a", "b", "ab", "a\x00"} {
		seen[NameKey(name)] = true
		seen[NameKey(string([]byte(name)))] = true // the same name
	}
	if len(seen) != 5 || seen[Key{}] {
		t.Errorf("%d keys of 5 names; of nobody: %v", len(seen), seen[Key{}])
	}
}
