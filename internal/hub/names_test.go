package hub

import (
	"slices"
	"testing"
)

func TestEachName(t *testing.T) {
	h := newHub(Config{})
	publish(t, h, "b")
	publish(t, h, "a")
	var names []string
	h.EachName(func(name string) { names = append(names, name) })
	if slices.Sort(names); !slices.Equal(names, []string{"a", "b"}) {
		t.Errorf("%q", names)
	}
}
