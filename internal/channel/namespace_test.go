package channel

import "testing"

func TestNameOf(t *testing.T) {
	n := &Namespaces{ByName: map[string]*Options{"chat": {}}}
	for name, want := range map[string]string{"chat:1": "chat", "chat:a:b": "chat", "chat": DefaultName, "other:1": DefaultName, ":": DefaultName, "": DefaultName} {
		if got := n.NameOf(name); got != want {
			t.Errorf("%q is in %q, want %q", name, got, want)
		}
	}
}
