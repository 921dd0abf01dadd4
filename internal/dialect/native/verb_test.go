package native

import "testing"

func TestVerbNames(t *testing.T) {
	if len(verbs)+1 != int(NumVerbs) || Verb(0).String() != "invalid" {
		t.Errorf("%d verbs and %v, want %d", len(verbs), Verb(0), NumVerbs-1)
	}
	for name, verb := range verbs {
		if verb.String() != name {
			t.Errorf("%s is called %v", name, verb)
		}
	}
}
