package cluster_test

import (
	"fmt"
	"slices"
	"testing"
)

// What a group is told comes to who follows it, in the order of all that its node says.
func TestGroups(t *testing.T) {
	a, b, c := three(t)
	const group = "chat:a.b.*"
	for _, n := range []*node{a, b} {
		if err := n.Follow(group); err != nil {
			t.Fatal(err)
		}
	}
	if !a.Has("b") || a.Has("nobody") {
		t.Error("who is there")
	}
	var heard []string
	await(t, "a follower hears of it", func() bool { // the servers may learn of it later than we
		if err := a.TellGroup(group, "say", "first"); err != nil {
			t.Fatal(err)
		}
		heard = b.heard()
		return len(heard) > 0
	})
	var want []string
	for i := range 300 {
		tell := []func() error{
			func() error { return a.TellGroup(group, "say", i) }, func() error { return a.Tell("say", i) }, func() error { return a.TellOne("b", "say", i) },
		}[i%3]
		if err := tell(); err != nil {
			t.Fatal(err)
		}
		want = append(want, fmt.Sprint("a", i))
	}
	numbers := func(n *node) []string {
		return slices.DeleteFunc(n.heard(), func(s string) bool { return s == `a"first"` })
	}
	await(t, "all was told", func() bool { return len(numbers(b)) == len(want) && len(numbers(c)) == len(want)/3 })
	if !slices.Equal(numbers(b), want) {
		t.Errorf("not in order: %q", numbers(b))
	}
	b.Unfollow(group)
	b.Unfollow(group)
	if err := a.TellGroup(group, "say", "unheard"); err != nil {
		t.Fatal(err)
	}
	if err := a.TellOne("b", "say", "last"); err != nil {
		t.Fatal(err)
	}
	await(t, "what is told b alone", func() bool { return slices.Contains(b.heard(), `a"last"`) })
	if slices.Contains(b.heard(), `a"unheard"`) || slices.Contains(c.heard(), `a"first"`) || len(a.heard()) > 0 {
		t.Error("heard by who does not follow")
	}
}
