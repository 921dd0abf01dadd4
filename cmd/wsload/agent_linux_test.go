package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/loadtest"
)

func TestAgentOptions(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(strings.Repeat("x", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	opts, err := parseAgentOptions([]string{"--listen", "10.0.0.2:7070", "--token-file", token, "--allow-target", "10.0.0.0/8",
		"--allow-target=server:80", "--source", "10.0.0.64/28"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := opts.config
	if opts.listen != "10.0.0.2:7070" || string(c.Token) != strings.Repeat("x", 32) || len(c.Allow) != 2 || c.Allow[1].String() != "server:80" || len(c.Sources) != 1 {
		t.Errorf("%+v", opts)
	}
	run, err := parseOptions(loadtest.Fanout, []string{"ws://h/ws", "--agents", "a:1=2,b:1", "--agent-token-file", token, "--with-local"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c := run.config; len(c.Agents) != 2 || c.Agents[0].Weight != 2 || len(c.AgentToken) != 32 || !c.WithLocal {
		t.Errorf("%+v", c)
	}
	t.Setenv(tokenVariable, "from the environment")
	if got, err := agentToken("", "--token-file"); err != nil || string(got) != "from the environment" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestAgentsThatCannotStart has a token that is too short, and an address that is taken or none.
func TestAgentsThatCannotStart(t *testing.T) {
	t.Setenv(tokenVariable, "short")
	cases := []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--listen", "127.0.0.1:0"}, exitUsage, "at least 32"},
		{[]string{"--listen", "192.0.2.1:1"}, exitFailed, "192.0.2.1"},
	}
	for _, c := range cases {
		var stdout, stderr strings.Builder
		if code := run(append([]string{"agent"}, c.args...), strings.NewReader(""), &stdout, &stderr); code != c.code || !strings.Contains(stderr.String(), c.want) {
			t.Errorf("%v: exit %d, %s", c.args, code, stderr.String())
		}
	}
}
