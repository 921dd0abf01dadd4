package auth

import (
	"testing"

	"github.com/wsedge/wsedge/internal/channel"
)

func TestAllows(t *testing.T) {
	user := &Identity{User: "ann"}
	granted := &Identity{Grants: []Grant{{"news", Subscribe | History}, {"chat:*", Publish}, {"a.*", Subscribe}}}
	for _, row := range []struct {
		identity *Identity
		action   Action
		name     string
		allowed  string // of nobody, token, authenticated, anyone: n, t, a, y
	}{
		{nil, Subscribe, "news", "y"}, {&Identity{}, Publish, "news", "y"}, {user, Subscribe, "news", "ay"}, {user, Presence, "chat:1", "ay"},
		{granted, Subscribe, "news", "tay"}, {granted, History, "news", "tay"}, {granted, Publish, "news", "y"}, {granted, Presence, "news", "y"},
		{granted, Subscribe | Publish, "news", "y"}, {granted, Subscribe, "news2", "y"}, {granted, Subscribe, "News", "y"}, {granted, Subscribe, "new", "y"},
		{granted, Publish, "chat:", "tay"}, {granted, Publish, "chat:1:2", "tay"}, {granted, Publish, "chat", "y"}, {granted, Publish, "chats:1", "y"}, {granted, Subscribe, "chat:1", "y"},
		{granted, Subscribe, "a.", "tay"}, {granted, Subscribe, "a.b", "tay"}, {granted, Subscribe, "ab", "y"}, {granted, Subscribe, "b.a.", "y"},
		{&Identity{Grants: []Grant{{"*", Subscribe}}}, Subscribe, "x", "tay"}, {&Identity{Grants: []Grant{{"*", 0}}}, Subscribe, "x", "y"},
	} {
		got := ""
		for i, access := range []channel.Access{channel.Nobody, channel.ByToken, channel.Authenticated, channel.Anyone, 4, 255} {
			if row.identity.Allows(row.action, row.name, access) {
				got += "ntay??"[i : i+1]
			}
		}
		if got != row.allowed {
			t.Errorf("%+v may do %d in %s: %q, want %q", row.identity, row.action, row.name, got, row.allowed)
		}
	}
}

func TestPatterns(t *testing.T) {
	for pattern, valid := range map[string]bool{
		"a": true, "a*": true, "*": true, "news:*": true, "": false, "**": false, "*a": false, "a*b": false, "a b": false, "a>": false, "a/*": false, "%2a": false, "é*": false,
	} {
		if ValidPattern(pattern) != valid {
			t.Errorf("ValidPattern(%q) = %v", pattern, !valid)
		}
	}
}
