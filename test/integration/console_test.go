package integration

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestConsoleLogin: with API keys the console is on the admin address, and asks for one.
func TestConsoleLogin(t *testing.T) {
	chromium := os.Getenv("CHROMIUM")
	if chromium == "" {
		chromium = "/usr/bin/chromium"
	}
	needs(t, "node", chromium)
	const reader, manager = "the key of a reader of ours", "the key of a manager of ours"
	file := filepath.Join(t.TempDir(), "wsedge.yaml")
	text := `
listen: {admin_addr: "127.0.0.1:0"}
auth:
  keys: [{algorithm: HS256, secret: "a secret that nobody else may ever come to know"}]
  api_keys:
    - {name: reader, secret: "` + reader + `", scopes: [read]}
    - {name: manager, secret: "` + manager + `", scopes: [all]}
namespaces:
  default: {subscribe: authenticated, publish: authenticated, presence: authenticated, history: authenticated}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, "", "--config", file)
	admin := regexp.MustCompile(`admin=(\S+)`).FindStringSubmatch(s.logged())
	if admin == nil {
		t.Fatalf("no admin address: %s", s.logged())
	}
	if out := run(t, "node", "browser_login.mjs", admin[1], reader, manager); !strings.HasSuffix(out, "ok\n") {
		t.Errorf("the browser said %q", out)
	}
	s.stop()
}

// TestConsoleFigures: what the page makes of counters that jump, stop and begin anew.
func TestConsoleFigures(t *testing.T) {
	needs(t, "node")
	if out := run(t, "node", "console_figures.mjs"); !strings.HasSuffix(out, "ok\n") {
		t.Errorf("node said %q", out)
	}
}
