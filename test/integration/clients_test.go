package integration

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// compressions are the servers that clients which offer permessage-deflate are to get along with.
var compressions = []struct {
	name string
	args []string
	want string // what the client is to see negotiated
}{
	{"plain", nil, "plain"},
	{"deflate", []string{"--deflate"}, "deflate"},
	{"takeover", []string{"--deflate", "--deflate-takeover"}, "deflate"},
}

func TestNodeClient(t *testing.T) {
	needs(t, "node")
	for _, c := range compressions {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, "", append(c.args, "--ping-interval", "1s")...)
			out := run(t, "node", "node_client.mjs", s.addr, c.want)
			if out != "conversation ok\nheartbeat ok\nclose ok\n" {
				t.Errorf("the client said %q", out)
			}
			s.stop()
		})
	}
}

// TestNodeEcho: messages of all sizes, in whatever way they are compressed, come back as they were.
func TestNodeEcho(t *testing.T) {
	needs(t, "node")
	for _, args := range [][]string{nil, {"--deflate-takeover"}} {
		s := startCommand(t, "", "echo", args...)
		if out := run(t, "node", "node_echo.mjs", s.addr); out != "ok\n" {
			t.Errorf("%v: the client said %q", args, out)
		}
		s.stop()
	}
}

func TestPythonClient(t *testing.T) {
	needs(t, "/usr/bin/python3")
	for _, c := range compressions {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, "", c.args...)
			if out := run(t, "/usr/bin/python3", "python_client.py", s.addr, c.want); out != "ok\n" {
				t.Errorf("the client said %q", out)
			}
			s.stop()
		})
	}
}

func TestCurl(t *testing.T) {
	needs(t, "curl")
	s := start(t, "")
	url := "http://" + s.addr
	var answer struct {
		Channel string
		Offset  int
		Epoch   string
		Matched int
	}
	out := run(t, "curl", "-sS", "--fail", url+"/api/publish", "-d", `{"channel":"news","data":"hello"}`)
	if err := json.Unmarshal([]byte(out), &answer); err != nil || answer.Channel != "news" || answer.Offset != 1 || answer.Epoch == "" {
		t.Errorf("publish answered %s, %v", out, err)
	}
	for _, bad := range []struct{ path, body, status string }{
		{"/api/publish", `{"channel":"news"`, "400"},
		{"/api/publish", `{"channel":"no spaces","data":1}`, "400"},
		{"/api/publish", `{"channel":"news"}`, "400"},
		{"/api/nothing", `{}`, "404"},
		{"/ws", "", "426"},
	} {
		got := run(t, "curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", url+bad.path, "-d", bad.body)
		if got != bad.status {
			t.Errorf("%s with %s: %s, want %s", bad.path, bad.body, got, bad.status)
		}
	}
	for path, want := range map[string]string{"/healthz": "200", "/readyz": "200", "/": "200", "/ws": "426", "/metrics": "200"} {
		if got := run(t, "curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", url+path); got != want {
			t.Errorf("GET %s: %s, want %s", path, got, want)
		}
	}
	// curl speaks WebSocket as well, in its way: the handshake and the welcome.
	out = runUntil(t, `"welcome"`, "curl", append(upgradeByCurl, url+"/ws")...)
	if !strings.HasPrefix(out, "HTTP/1.1 101 ") || !strings.Contains(out, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") {
		t.Errorf("the handshake by curl: %q", out)
	}
	s.stop()
}

// upgradeByCurl are the arguments by which curl opens a WebSocket, and prints what comes until it is ended.
var upgradeByCurl = []string{"-sS", "-N", "--http1.1", "-i", "-H", "Connection: Upgrade", "-H", "Upgrade: websocket", "-H", "Sec-WebSocket-Version: 13",
	"-H", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}

func TestBrowser(t *testing.T) {
	chromium := os.Getenv("CHROMIUM")
	if chromium == "" {
		chromium = "/usr/bin/chromium"
	}
	needs(t, "node", chromium)
	s := start(t, "", "--deflate")
	pictures := os.Getenv("WSEDGE_SCREENSHOTS") // the directory to keep them in
	if pictures == "" {
		pictures = t.TempDir()
	}
	out := run(t, "node", "browser.mjs", s.addr, pictures)
	if !strings.HasSuffix(out, "ok\n") {
		t.Errorf("the browser said %q", out)
	}
	for _, name := range []string{"console-dark.png", "console-phone.png"} {
		if info, err := os.Stat(filepath.Join(pictures, name)); err != nil || info.Size() < 10_000 {
			t.Errorf("the picture: %v, %v", info, err)
		}
	}
	s.stop()
}

// A drain with clients connected: each is told, in its own dialect's words, and the process ends well.
func TestDrainTellsEveryClient(t *testing.T) {
	needs(t, "node")
	s := start(t, "")
	const script = `
		import WebSocket from "ws";
		let text = "";
		const ws = new WebSocket("ws://" + process.argv[1] + process.argv[2]);
		ws.on("open", () => console.log("open"));
		ws.on("message", (data) => (text = data.toString()));
		ws.on("close", (code, reason) => console.log(code + " " + reason + " " + text));`
	type client struct {
		cmd *exec.Cmd
		out *strings.Builder
	}
	var clients []client
	for _, path := range []string{"/ws", "/ws/raw?channel=x"} {
		c := client{exec.Command("node", "--input-type=module", "-e", script, s.addr, path), new(strings.Builder)}
		c.cmd.Stdout, c.cmd.Stderr = c.out, c.out
		if err := c.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		clients = append(clients, c)
	}
	eventually(t, "two clients", func() bool { return s.gauge("wsedge_connections") == 2 })
	s.stop()
	for i, want := range []string{`3001 `, `1012 `} {
		if err := clients[i].cmd.Wait(); err != nil {
			t.Error(err)
		}
		out := clients[i].out.String()
		if !strings.Contains(out, "\n"+want) || i == 0 && !strings.Contains(out, `"type":"disconnect"`) {
			t.Errorf("client %d was told %q", i, out)
		}
	}
}
