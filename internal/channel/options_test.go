package channel

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestOptionsOfAChannel(t *testing.T) {
	chat := &Options{HistorySize: 1}
	n := &Namespaces{Default: Options{HistorySize: 2}, ByName: map[string]*Options{"chat": chat}}
	for name, want := range map[string]*Options{
		"chat:1": chat, "chat:1:2": chat, "chat": &n.Default, "chatter:1": &n.Default, ":1": &n.Default, "news:1": &n.Default,
	} {
		if got := n.Of(name); got != want {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	n.Strict = true
	if got := n.Of("news:1"); *got != (Options{}) {
		t.Errorf("an unknown namespace is open: %+v", got)
	}
	if n.Of("news") != &n.Default {
		t.Error("a channel without a namespace has not the default options")
	}
}

func TestWordsOfOptions(t *testing.T) {
	for a := range Access(len(accesses)) {
		text, _ := a.MarshalText()
		var back Access
		if err := back.UnmarshalText(text); err != nil || back != a {
			t.Errorf("%q: %v, %v", text, back, err)
		}
	}
	for p := range SlowPolicy(len(slowPolicies)) {
		text, _ := p.MarshalText()
		var back SlowPolicy
		if err := back.UnmarshalText(text); err != nil || back != p {
			t.Errorf("%q: %v, %v", text, back, err)
		}
	}
	var a Access
	if err := a.UnmarshalText([]byte("everyone")); err == nil {
		t.Error("an unknown word was taken")
	}
}

func TestProblemsOfOptions(t *testing.T) {
	n := &Namespaces{
		Default: Options{HistorySize: -1, HistoryAge: -time.Second, SlowMaxAge: -1, MaxMessageBytes: -1, PublishRate: -1, AckUsers: -1},
		ByName: map[string]*Options{
			"a": {Recover: true, Latest: true, Ack: true, Slow: SkipToHistory, JoinLeave: true}, "b:c": {}, "fast": {PublishRate: 1_000_001}, "ok": {HistorySize: 1, Recover: true},
		},
	}
	got := errors.Join(n.Check()...).Error()
	for _, want := range []string{
		"default namespace: history size must", "history age must", "slow client must", "message bytes must", "publish rate must", "acknowledgement must",
		"namespace a: recovery needs", "the latest value needs", "acknowledgement needs", "skip-to-history needs", "join and leave notices need", `"b:c": want`, "namespace fast: publish rate must not be more than",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not told: %s", want, got)
		}
	}
	if lines := strings.Count(got, "\n") + 1; lines != 13 {
		t.Errorf("%d problems: %s", lines, got)
	}
	if problems := Open().Check(); len(problems) > 0 {
		t.Error(problems)
	}
}
