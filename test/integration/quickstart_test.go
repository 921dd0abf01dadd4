package integration

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// promise is how long a newcomer is told that the quick start takes.
const promise = 5 * time.Minute

// fenced are the blocks of a page in a language, in order.
func fenced(t *testing.T, file, language string) (blocks []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i, part := range strings.Split(string(text), "\n```") {
		if rest, ok := strings.CutPrefix(part, language+"\n"); ok && i%2 == 1 {
			blocks = append(blocks, rest+"\n")
		}
	}
	return blocks
}

// reader is what a program says, line by line.
type reader struct {
	t     *testing.T
	name  string
	lines chan string
}

// sees waits until the line is said, or one that begins with it, and passes over others. A page's error is a failure.
func (r *reader) sees(beginning string) {
	r.t.Helper()
	for deadline := time.After(patience); ; {
		select {
		case got, ok := <-r.lines:
			switch {
			case strings.HasPrefix(got, beginning):
				return
			case !ok || strings.HasPrefix(got, "error: "):
				r.t.Fatalf("%s: %q, want %q", r.name, got, beginning)
			default:
				r.t.Logf("%s: %s", r.name, got)
			}
		case <-deadline:
			r.t.Fatalf("%s: never came %q", r.name, beginning)
		}
	}
}

// browse shows a page in Chromium, and tells what the selected elements come to show.
func browse(t *testing.T, url, selector string) *reader {
	t.Helper()
	cmd := exec.Command("node", "page.mjs", url, selector)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := &reader{t, "the page", make(chan string, 1000)}
	go func() {
		defer close(r.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			r.lines <- s.Text()
		}
	}()
	t.Cleanup(func() {
		in.Close()
		for range r.lines { // until it has ended
		}
		_ = cmd.Wait()
	})
	return r
}

// A newcomer types what the quick start says, block by block, into one shell, looks at the page in a browser, and sees there what it promises.
// The clone is of this repository, as it was committed last, and the ports are others, which nobody else uses.
func TestQuickStart(t *testing.T) {
	needs(t, "bash", "git", "go", "curl", "python3", "node")
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	server, site := freePorts(t)
	for name, value := range map[string]string{
		"WSEDGE_ADDR":      "127.0.0.1:" + server,
		"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "url.file://" + root + ".insteadOf", "GIT_CONFIG_VALUE_0": "https://github.com/wsedge/wsedge",
	} {
		t.Setenv(name, value)
	}
	typed := strings.NewReplacer(":8080", ":"+server, ":8000", ":"+site, " 8000 ", " "+site+" ")
	blocks := fenced(t, "../../docs/QUICKSTART.md", "sh")
	if len(blocks) != 8 {
		t.Fatalf("%d blocks of commands, want 8: this test knows what to expect behind each", len(blocks))
	}

	began, shell := time.Now(), openTerminal(t, "", t.TempDir())
	says := &reader{t, "the terminal", shell.lines}
	enter := func(block int, want string) { // an empty want: until the commands have returned
		t.Helper()
		done := fmt.Sprintf("block %d is done", block)
		if _, err := fmt.Fprintf(shell.commands, "%secho; echo %s\n", typed.Replace(blocks[block]), done); err != nil {
			t.Fatal(err)
		}
		says.sees(cmp.Or(want, done))
		t.Logf("%6.1f s: %s", time.Since(began).Seconds(), strings.SplitN(strings.TrimSpace(blocks[block]), "\n", 2)[0])
	}
	enter(0, "")
	enter(1, "time=")
	listens(t, server)
	enter(2, "")
	listens(t, site)
	page := browse(t, "http://127.0.0.1:"+site+"/", "#state, li")
	page.sees("connected")
	enter(3, `{"channel":"news","offset":1,"epoch":"`)
	page.sees("hello")
	t.Logf("%6.1f s: the page shows it", time.Since(began).Seconds())
	enter(4, "")
	page.sees("connecting")
	enter(5, "")
	listens(t, server)
	enter(6, `{"channel":"news","offset":1,"epoch":"`)
	page.sees("hello again")
	enter(7, "")
	if took := time.Since(began); took > promise {
		t.Errorf("it took %v, and the page promises %v", took, promise)
	}
}

// listens waits until a port takes connections, as a reader does who looks at what the terminal says.
func listens(t *testing.T, port string) {
	t.Helper()
	eventually(t, "listening on "+port, func() bool {
		return exec.Command("curl", "-s", "-o", os.DevNull, "http://127.0.0.1:"+port+"/").Run() == nil
	})
}

// TestScriptsOfThePages: what the pages show as JavaScript is.
func TestScriptsOfThePages(t *testing.T) {
	needs(t, "node")
	seen := 0
	for _, file := range []string{"../../docs/MIGRATING.md", "../../README.md", "../../clients/js/README.md"} {
		for _, script := range fenced(t, file, "js") {
			name := filepath.Join(t.TempDir(), "script.mjs")
			if err := os.WriteFile(name, []byte(script), 0o600); err != nil {
				t.Fatal(err)
			}
			run(t, "node", "--check", name)
			seen++
		}
	}
	if seen < 8 {
		t.Errorf("only %d scripts", seen)
	}
}
