package channel

import "testing"

func TestPersonalUser(t *testing.T) {
	for name, want := range map[string]struct {
		user string
		ok   bool
	}{
		"user#42": {"42", true}, "chat:room#a.b@c": {"a.b@c", true}, "x#a#b": {"a#b", true}, "user#": {"", true}, "#7": {"7", true},
		"user": {"", false}, "user:42": {"", false}, Personal("42"): {"42", true},
	} {
		if user, ok := PersonalUser(name); user != want.user || ok != want.ok {
			t.Errorf("PersonalUser(%q) = %q, %v", name, user, ok)
		}
	}
}

// FuzzPersonal: what is sent to a user goes to no other's channel, whatever the user is called.
func FuzzPersonal(f *testing.F) {
	f.Add("42")
	f.Add("a#b")
	f.Fuzz(func(t *testing.T, user string) {
		if got, ok := PersonalUser(Personal(user)); !ok || got != user {
			t.Fatalf("the channel of %q is that of %q, %v", user, got, ok)
		}
	})
}
