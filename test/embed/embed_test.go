package embed

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/reactor"
)

// modules are all that a program which embeds the reactor may compile, beside the standard library.
var modules = []string{
	"github.com/klauspost/compress",
	"github.com/panjf2000/ants/v2",
	"github.com/panjf2000/gnet/v2",
	"github.com/pires/go-proxyproto",
	"github.com/valyala/bytebufferpool",
	"github.com/wsedge/wsedge",
	"go.uber.org/multierr",
	"go.uber.org/zap",
	"golang.org/x/crypto",
	"golang.org/x/sync",
	"golang.org/x/sys",
	"gopkg.in/natefinch/lumberjack.v2",
}

// programs are those that the module has, beside the one of the package page.
var programs = []string{"echo", "broadcast", "rooms", "client"}

// module makes the module and returns its directory.
func module(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range []string{"reactor", "frame", "pool", "tlsloop"} { // so that the go command, which keeps results of tests, sees a change
		if _, err := os.ReadDir(filepath.Join(root, source)); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module example.org/embedder\n\ngo 1.26\n\n"+
		"require github.com/wsedge/wsedge v0.0.0\n\nreplace github.com/wsedge/wsedge => "+root+"\n")
	for _, name := range programs {
		program, err := os.ReadFile(filepath.Join("testdata", name, "main.go"))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name, "main.go"), string(program))
	}
	write(t, filepath.Join(dir, "page", "main.go"), pageProgram(t))
	return dir
}

// pageProgram is the program on the page of package reactor.
func pageProgram(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../reactor/doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var program strings.Builder
	for line := range strings.Lines(string(page)) {
		if code, found := strings.CutPrefix(line, "//\t"); found || line == "//\n" && program.Len() > 0 {
			program.WriteString(code)
			if !found {
				program.WriteString("\n")
			}
		}
	}
	if !strings.HasPrefix(program.String(), "package main\n") {
		t.Fatalf("no program on the page:\n%s", program.String())
	}
	return program.String()
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// run runs the go command in the module, as its author would.
func run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

// TestEmbedding: a module outside the repository embeds the reactor, compiles no more than what is listed, and its programs work.
func TestEmbedding(t *testing.T) {
	dir := module(t)
	run(t, dir, "mod", "tidy")
	goMod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("go.mod:\n%s", goMod)
	run(t, dir, "vet", "./...")

	compiled := strings.Fields(run(t, dir, "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", "./..."))
	slices.Sort(compiled)
	compiled = slices.Compact(compiled)
	t.Logf("compiled: %s", strings.Join(compiled, " "))
	for _, m := range compiled {
		if !slices.Contains(modules, m) {
			t.Errorf("embedding the reactor compiles %s", m)
		}
	}
	for _, line := range strings.Split(string(goMod), "\n") {
		if m, _, required := strings.Cut(strings.TrimSpace(line), " v"); required && strings.HasPrefix(line, "\t") && !slices.Contains(modules, m) {
			t.Errorf("embedding the reactor requires %s", m)
		}
	}

	bin := t.TempDir() + string(filepath.Separator)
	run(t, dir, "build", "-o", bin, "./...")
	t.Run("echo", func(t *testing.T) {
		c := dial(t, start(t, bin+"echo"), "/")
		c.say("hello")
		c.want("hello")
	})
	t.Run("broadcast", func(t *testing.T) {
		addr := start(t, bin+"broadcast")
		a, b := dial(t, addr, "/"), dial(t, addr, "/")
		a.say("from a") // its own comes back once it is in the topic; so is b, whose handshake was answered
		a.want("from a")
		b.want("from a")
	})
	t.Run("rooms", func(t *testing.T) {
		addr := start(t, bin+"rooms")
		ann, bob := dial(t, addr, "/rooms/ann"), dial(t, addr, "/rooms/bob")
		ann.say("anybody?")
		ann.want("say /join and a name")
		for _, c := range []*client{ann, bob} {
			c.say("/join kitchen")
			c.want("welcome to kitchen")
		}
		ann.say("hello")
		bob.want("ann: hello")
	})
	t.Run("client", func(t *testing.T) { reconnects(t, bin+"client") })
}

// reconnects runs the client program, whose connections the server ends, and which comes back each time.
func reconnects(t *testing.T, program string) {
	opened := make(chan *reactor.Remote, 8)
	s, err := reactor.Listen(reactor.Config{Addr: "127.0.0.1:0", Loops: 1, Handler: reactor.Funcs{
		Open: func(c *reactor.Conn) { opened <- c.Remote() },
		Message: func(c *reactor.Conn, op reactor.Opcode, payload []byte) {
			_ = c.Send(op, append([]byte("you said "), payload...))
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Shutdown(context.Background()) })
	if got := start(t, program, "ws://"+s.Addr().String()+"/"); got != "you said hello" {
		t.Errorf("heard %q", got)
	}
	for range 3 {
		select {
		case r := <-opened:
			_ = r.Close(reactor.CloseServiceRestart, "")
		case <-time.After(patience):
			t.Fatal("the client has not come back")
		}
	}
}

// start starts a program, which is interrupted at the test's end and must then exit well, and returns the first line that it prints: its address,
// where it is a server.
func start(t *testing.T, path string, args ...string) string {
	t.Helper()
	cmd := exec.Command(path, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s ended with %v", filepath.Base(path), err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}
