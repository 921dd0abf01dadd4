package certs

import "testing"

func TestExpiries(t *testing.T) {
	f := newFiles(t)
	first, second := issue("first.example", "other.example"), issue("*.second.example")
	c, _ := open(t, Config{Pairs: []Pair{f.pair("1", first), f.pair("2", second)}})
	got := c.Expiries()
	want := []Expiry{{"first.example", first.Leaf.NotAfter}, {"*.second.example", second.Leaf.NotAfter}}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("%v, want %v", got, want)
	}
}
