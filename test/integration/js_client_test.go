package integration

import (
	"os"
	"path/filepath"
	"testing"
)

const clientDir = "../../clients/js"

// nodeTest runs files of tests by Node's runner, which start and kill servers of their own.
func nodeTest(t *testing.T, patterns ...string) {
	t.Helper()
	t.Setenv("WSEDGE_BINARY", binary)
	args := []string{"--test", "--test-reporter", "spec"}
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no tests in %s, %v", pattern, err)
		}
		args = append(args, files...)
	}
	runWithin(t, 5*patience, "node", args...)
}

// TestJSClient: wsedge.js in Node, with npm's ws, and with the WebSocket that Node has had since version 22.
func TestJSClient(t *testing.T) {
	needs(t, "node", "npx")
	t.Run("alone", func(t *testing.T) { nodeTest(t, clientDir+"/test/*.test.mjs") })
	t.Run("ws", func(t *testing.T) { nodeTest(t, clientDir+"/test/real/*.test.mjs") })
	t.Run("global", func(t *testing.T) {
		t.Setenv("WSEDGE_GLOBAL_WEBSOCKET", "1")
		t.Setenv("NODE_OPTIONS", "--experimental-websocket") // Node 20 has it so; later ones take the flag, and need it not
		nodeTest(t, clientDir+"/test/real/*.test.mjs")
	})
}

// TestJSTypes: what an application would write passes the compiler, and what it should not does not.
func TestJSTypes(t *testing.T) {
	needs(t, "npx")
	run(t, "npx", "--prefix", clientDir, "--no-install", "tsc", "-p", clientDir+"/test")
}

// TestJSClientInBrowser: the client that the server hands out, in Chromium.
func TestJSClientInBrowser(t *testing.T) {
	chromium := os.Getenv("CHROMIUM")
	if chromium == "" {
		chromium = "/usr/bin/chromium"
	}
	needs(t, "node", chromium)
	nodeTest(t, "js_browser.mjs")
}
