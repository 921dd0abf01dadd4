package integration

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// program builds a program of the module, and returns its path.
func program(t *testing.T, pkg string) string {
	t.Helper()
	path := filepath.Join(filepath.Dir(binary), strings.ReplaceAll(pkg, "/", "-"))
	if out, err := exec.Command("go", "build", "-o", path, "github.com/wsedge/wsedge/"+pkg).CombinedOutput(); err != nil {
		t.Fatalf("%s%v", out, err)
	}
	return path
}

// startProgram builds a program and runs it on a free port.
func startProgram(t *testing.T, pkg string, args ...string) *server {
	t.Helper()
	return follow(t, exec.Command(program(t, pkg), append([]string{"-addr", "127.0.0.1:0"}, args...)...))
}

// TestTutorials: what tutorials show, with the very kinds of clients that they show.
func TestTutorials(t *testing.T) {
	for _, c := range []struct {
		name, client, conversation string
		program                    string
		args                       []string
	}{
		{"hello", "node", "hello", "examples/hello", nil},
		{"heartbeat", "node", "heartbeat", "examples/heartbeat", []string{"-timeout", "2s"}},
		{"fragments by ws", "node", "echo", "examples/echo", nil},
		{"echo by websockets", "python", "echo", "examples/echo", nil},
		{"chat on /node", "node", "node", "cmd/wschat", []string{"-root", "node", "-ping-interval", "1s"}},
		{"chat on /python", "python", "python", "cmd/wschat", []string{"-root", "python"}},
		{"chat on /rooms", "node", "rooms", "cmd/wschat", nil},
		{"chat on /group", "node", "group", "cmd/wschat", []string{"-root", "group", "-beat", "300ms"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := []string{"node", "chat_node.mjs"}
			if c.client == "python" {
				client = []string{"/usr/bin/python3", "chat_python.py"}
			}
			needs(t, client[0])
			s := startProgram(t, c.program, c.args...)
			if out := run(t, client[0], client[1], c.conversation, s.addr); out != "ok\n" {
				t.Errorf("the client said %q", out)
			}
			if c.name == "hello" {
				eventually(t, "the log tells of the message and of the close", func() bool {
					log := s.logged()
					return strings.Contains(log, "message text=你好，服务器!") && strings.Contains(log, "close code=1000 reason=done by_client=true")
				})
			}
			s.stop()
		})
	}
}

// TestHandler: a push to all and to one, and whose pages may connect.
func TestHandler(t *testing.T) {
	needs(t, "/usr/bin/python3")
	s := startProgram(t, "examples/handler", "-push-addr", "127.0.0.1:0", "-origins", "https://shop.example")
	push := regexp.MustCompile(`push=(\S+)`).FindStringSubmatch(s.logged())
	if out := run(t, "/usr/bin/python3", "chat_python.py", "handler", s.addr, push[1]); out != "ok\n" {
		t.Errorf("the client said %q", out)
	}
	r, err := http.NewRequest("POST", "http://"+push[1]+"/push", strings.NewReader("from a page"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Site", "cross-site") // as browsers say, and no page can leave out
	if resp, err := http.DefaultClient.Do(r); err != nil {
		t.Error(err)
	} else if resp.Body.Close(); resp.StatusCode != http.StatusForbidden {
		t.Errorf("a page pushes: %s", resp.Status)
	}
	s.stop()
}

// TestChatBrowser: the tutorials' clients in Chromium, and wschat's page in two tabs, through a restart of the server. WSEDGE_CHAT_SCREENSHOT is
// where to keep a picture of the page.
func TestChatBrowser(t *testing.T) {
	chromium := os.Getenv("CHROMIUM")
	if chromium == "" {
		chromium = "/usr/bin/chromium"
	}
	needs(t, "node", chromium)
	t.Run("hello", func(t *testing.T) {
		s := startProgram(t, "examples/hello")
		if out := run(t, "node", "chat_browser.mjs", "hello", s.addr); out != "ok\n" {
			t.Errorf("the browser said %q", out)
		}
		s.stop()
	})
	for _, c := range []struct{ conversation, program string }{
		{"handler", "examples/handler"}, {"client", "cmd/wschat"}, {"group", "cmd/wschat"}, {"page", "cmd/wschat"},
	} {
		t.Run(c.conversation, func(t *testing.T) {
			if out := runWithin(t, 2*patience, "node", "chat_browser.mjs", c.conversation, program(t, c.program), os.Getenv("WSEDGE_CHAT_SCREENSHOT")); out != "ok\n" {
				t.Errorf("the browser said %q", out)
			}
		})
	}
}

// TestLoadOfChat has wsload drive rooms by the file that the figures of the guide are made with.
func TestLoadOfChat(t *testing.T) {
	const files = "../../cmd/wschat/testdata/"
	wsload, s := buildLoad(t), startProgram(t, "cmd/wschat", "-rate", "0")
	run(t, wsload, "check", files+"rooms.yaml")
	rooms := "ws://" + s.addr + "/rooms"
	mustLoad(t, wsload, "fanout", rooms, "--protocol", files+"wschat.yaml", "--publishers", "4")
	mustLoad(t, wsload, "fanout", rooms, "--protocol", files+"wschat.yaml", "--topics", "5", "--topic-sizes", "zipf:1")
	s.stop()
}
