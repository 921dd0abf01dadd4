package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func parseWebhook(args ...string) (*webhookFlags, error) {
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	f := addWebhook(flags)
	return f, flags.Parse(args)
}

func TestWebhookFlags(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := parseWebhook("--webhook", "http://127.0.0.1:9000/hook", "--webhook-events", "connect,publish", "--webhook-secret-file", secret,
		"--webhook-timeout", "2s", "--webhook-on-failure", "publish=allow", "--webhook-allow-net", "127.0.0.0/8,::1/128", "--webhook-headers", "Cookie")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := f.config()
	if err != nil || len(cfg.Check()) > 0 {
		t.Fatal(err, cfg.Check())
	}
	got := fmt.Sprint(cfg.URL, cfg.Events, string(cfg.Secret), cfg.Timeout, cfg.OnFailure.Allow, cfg.AllowNets, cfg.Headers)
	if want := "http://127.0.0.1:9000/hook[connect publish]0123456789abcdef2s [publish] [127.0.0.0/8 ::1/128] [Cookie]"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if f, _ := parseWebhook(); f == nil {
		t.Error("no flags, and that is wrong")
	} else if cfg, err := f.config(); cfg != nil || err != nil {
		t.Error(cfg, err)
	}
}

// TestBadWebhookFlags wants all that is wrong told together, and no secret shown.
func TestBadWebhookFlags(t *testing.T) {
	short := filepath.Join(t.TempDir(), "short")
	if err := os.WriteFile(short, []byte("hunter2"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		args []string
		want []string
	}{
		{[]string{"--webhook", "https://example.com/"}, []string{"needs --webhook-secret-file"}},
		{[]string{"--webhook-secret-file", short}, []string{"needs --webhook"}},
		{[]string{"--webhook", "https://10.0.0.1/", "--webhook-secret-file", short, "--webhook-allow-net", "10.0.0.1/8,x"},
			[]string{"at least 16 bytes", `"10.0.0.1/8"`, `"x"`}},
		{[]string{"--webhook", "https://10.0.0.1/", "--webhook-secret-file", short + "-not-there"}, []string{"no such file", "leads to 10.0.0.1"}},
		{[]string{"--webhook-events", "close"}, []string{"want one of connect"}},
		{[]string{"--webhook-on-failure", "shrug"}, []string{"want deny, allow"}},
	} {
		status, _, stderr := call(nil, append([]string{"serve"}, row.args...)...)
		for _, want := range row.want {
			if !strings.Contains(stderr, want) {
				t.Errorf("%q: %q is not told: %s", row.args, want, stderr)
			}
		}
		if status != exitUsage || strings.Contains(stderr, "hunter2") {
			t.Errorf("%q: status %d, %s", row.args, status, stderr)
		}
	}
}
