package integration

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// recipes writes the protocols that docs/WSLOAD.md shows into files, and returns the directory.
func recipes(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/WSLOAD.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, block := range strings.Split(string(page), "```yaml\n# ")[1:] {
		text, _, _ := strings.Cut(block, "```")
		name, text, _ := strings.Cut(text, "\n")
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// mustLoad runs wsload, which fails where anything was lost, and checks that it sent something.
func mustLoad(t *testing.T, wsload, scenario, url string, args ...string) {
	t.Helper()
	result := filepath.Join(t.TempDir(), "result.json")
	args = append([]string{scenario, url, "--conns", "20", "--rate", "200", "--warmup", "0", "--duration", "500ms", "--settle", "0", "--drain", "30s",
		"--accept-invalid", "--quiet", "--json", result}, args...)
	run(t, wsload, args...)
	var report struct {
		Ledger struct{ Expected, Received int }
	}
	text, err := os.ReadFile(result)
	if err == nil {
		err = json.Unmarshal(text, &report)
	}
	if l := report.Ledger; err != nil || l.Expected == 0 || l.Received != l.Expected {
		t.Errorf("wsload %s: %v, %+v", strings.Join(args, " "), err, l)
	}
}

// TestLoadSpeaksBothDialects has wsload drive wsedge by its recipes, and by the one in the documentation.
func TestLoadSpeaksBothDialects(t *testing.T) {
	wsload, dir, s := buildLoad(t), recipes(t), start(t, "")
	native, raw := "ws://"+s.addr+"/ws", "ws://"+s.addr+"/ws/raw"
	mustLoad(t, wsload, "fanout", native)
	mustLoad(t, wsload, "fanout", native, "--publish-by", "websocket", "--publishers", "4", "--topics", "5", "--topic-sizes", "zipf:1")
	mustLoad(t, wsload, "fanout", native, "--protocol", dir+"/wsedge.yaml", "--publish-by", "websocket")
	mustLoad(t, wsload, "fanout", raw, "--topics", "3", "--topic-rates", "size")
	mustLoad(t, wsload, "fanout", raw, "--publish-by", "websocket")
	s.stop()
}

// TestLoadPublishesOverTLS has publishers of both kinds, and templates in messages that are compressed.
func TestLoadPublishesOverTLS(t *testing.T) {
	needs(t)
	ca, wsload := newTestCA(t), buildLoad(t)
	s := start(t, "", ca.flags("--deflate")...)
	for _, by := range []string{"http", "websocket"} {
		mustLoad(t, wsload, "fanout", "wss://"+s.addr+"/ws", "--ca", ca.ca, "--publish-by", by, "--topics", "3", "--deflate")
	}
	s.stop()
}

func TestLoadEchoes(t *testing.T) {
	wsload, dir, s := buildLoad(t), recipes(t), startCommand(t, "", "echo")
	mustLoad(t, wsload, "echo", "ws://"+s.addr+"/")
	mustLoad(t, wsload, "echo", "ws://"+s.addr+"/", "--protocol", dir+"/echo.yaml")
	s.stop()
}

// TestLoadSpeaksSocketIO drives a server on the real library, whose heartbeats come often enough to matter.
func TestLoadSpeaksSocketIO(t *testing.T) {
	needs(t, "node")
	wsload, dir := buildLoad(t), recipes(t)
	server := exec.Command("node", "socketio_server.mjs", "300")
	server.Stderr = os.Stderr
	stdin, err := server.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = stdin.Close()
		if err := server.Wait(); err != nil {
			t.Errorf("the server: %v", err)
		}
	}()
	port, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	url := "ws://127.0.0.1:" + strings.TrimSpace(port) + "/socket.io/?EIO=4&transport=websocket"
	for _, protocol := range []string{"socketio", dir + "/socketio.yaml"} {
		mustLoad(t, wsload, "fanout", url, "--protocol", protocol)
		mustLoad(t, wsload, "fanout", url, "--protocol", protocol, "--topics", "4", "--publishers", "3")
		mustLoad(t, wsload, "echo", url, "--protocol", protocol, "--expect", "messages.answers>0")
	}
}
