package webhook

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestProblemsOfAConfiguration(t *testing.T) {
	good := Config{URL: "https://example.com/", Events: Events{Connect}, Secret: testSecret}
	if problems := good.Check(); len(problems) > 0 {
		t.Fatal(problems)
	}
	all := Config{
		URL: "https://10.0.0.1/", Secret: []byte("short"), Timeout: time.Minute, OnFailure: OnFailure{Allow: Events{Disconnect}},
		Headers: []string{"a b", "", "Cookie"}, Concurrency: -1, TellMax: -1,
	}
	got := errors.Join(all.Check()...).Error()
	for _, want := range []string{"URL leads to 10.0.0.1", "events: none", "secret: want", "disconnect is told", "timeout: want", "concurrency: want",
		"bounds must", `"a b" is no name`, `"" is no name`} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not told: %s", want, got)
		}
	}
	if lines := strings.Count(got, "\n") + 1; lines != 9 {
		t.Errorf("%d problems: %s", lines, got)
	}
	if len(Config{Headers: make([]string, maxHeaders+1)}.Check()) < 2 {
		t.Error("any number of headers is taken")
	}
}

func TestWordsOfEvents(t *testing.T) {
	for text, want := range map[string]string{
		"connect,subscribe , publish,disconnect": "connect,subscribe,publish,disconnect", "publish,publish": "publish", "": "", ",": "",
	} {
		var es Events
		if err := es.UnmarshalText([]byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if back, _ := es.MarshalText(); string(back) != want {
			t.Errorf("%q: %s", text, back)
		}
	}
	var es Events
	if es.UnmarshalText([]byte("connect,close")) == nil {
		t.Error("an unknown event is taken")
	}
	if text, err := Connect.MarshalText(); string(text) != "connect" || err != nil {
		t.Error(string(text), err)
	}
}

func TestWordsOfThePolicyOnFailure(t *testing.T) {
	for text, want := range map[string]string{
		"deny": "deny", "allow": "connect=allow,subscribe=allow,publish=allow", "publish=allow": "publish=allow",
		"allow,connect=deny": "subscribe=allow,publish=allow", "publish=allow, publish=deny": "deny", "publish=allow,deny": "deny",
	} {
		var f OnFailure
		if err := f.UnmarshalText([]byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if back, _ := f.MarshalText(); string(back) != want {
			t.Errorf("%q: %s, want %s", text, back, want)
		}
	}
	for _, bad := range []string{"", "maybe", "publish", "publish=", "publish=maybe", "close=allow", "disconnect=allow", "allow,"} {
		f := OnFailure{Allow: Events{Connect}}
		if f.UnmarshalText([]byte(bad)) == nil {
			t.Errorf("%q is taken", bad)
		}
		if len(f.Allow) != 1 {
			t.Errorf("%q changes the policy: %v", bad, f)
		}
	}
}

// TestDefaults wants each bound set.
func TestDefaults(t *testing.T) {
	cfg := New(Config{URL: "https://example.com/"}, "n").config
	if cfg.Timeout != time.Second || cfg.Concurrency != 32 || cfg.QueueMax != 4096 || cfg.QueueMaxBytes != 16<<20 || cfg.TellMax != 65_536 ||
		cfg.TellFor != 2*time.Minute || cfg.Logger == nil {
		t.Errorf("%+v", cfg)
	}
	transport := newSender(&cfg).client.Transport.(*http.Transport)
	if transport.MaxConnsPerHost != 33 || transport.Proxy != nil || !transport.DisableCompression || transport.MaxResponseHeaderBytes != maxHeaderBytes {
		t.Errorf("%+v", transport)
	}
}
