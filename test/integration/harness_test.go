package integration

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds what must come; a test that passes never waits for it.
const patience = 60 * time.Second

var binary string // wsedge, built once

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "wsedge-integration-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "wsedge")
	build := exec.Command("go", "build", "-o", binary, "github.com/wsedge/wsedge/cmd/wsedge")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s%v\n", out, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// needs skips the test where the environment is not meant for it, and fails it where a program is missing.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	if os.Getenv("WSEDGE_INTEGRATION") != "1" {
		t.Skip("set WSEDGE_INTEGRATION=1 to drive " + strings.Join(programs, ", ") + "; see .ci/run for what to install")
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Fatalf("%s is not installed; see .ci/run", p)
		}
	}
}

// server is a running wsedge.
type server struct {
	t    *testing.T
	cmd  *exec.Cmd
	addr string

	mu   sync.Mutex
	log  bytes.Buffer
	done chan struct{} // the log has ended
}

var listening = regexp.MustCompile(`[ =]listening addr=(\S+)`)

// start runs wsedge serve on a free port. prefix, if any, is a shell line put before it, such as "ulimit -n 256;".
func start(t *testing.T, prefix string, args ...string) *server {
	t.Helper()
	return startCommand(t, prefix, "serve", args...)
}

// startCommand runs a command of wsedge on a free port.
func startCommand(t *testing.T, prefix, command string, args ...string) *server {
	t.Helper()
	args = append([]string{command, "--addr", "127.0.0.1:0"}, args...)
	cmd := exec.Command(binary, args...)
	if prefix != "" {
		cmd = exec.Command("sh", append([]string{"-c", prefix + ` exec "$0" "$@"`, binary}, args...)...)
	}
	return follow(t, cmd)
}

// follow starts a server's program and waits until its log says where it listens.
func follow(t *testing.T, cmd *exec.Cmd) *server {
	t.Helper()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, cmd: cmd, done: make(chan struct{})}
	addr := make(chan string, 1)
	go s.follow(stderr, addr)
	select {
	case s.addr = <-addr:
	case <-s.done:
		t.Fatalf("the server ended: %s", s.logged())
	case <-time.After(patience):
		t.Fatalf("the server does not listen: %s", s.logged())
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the server's log:\n%s", s.logged())
		}
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	return s
}

func (s *server) follow(log io.Reader, addr chan<- string) {
	defer close(s.done)
	for lines := bufio.NewScanner(log); lines.Scan(); {
		s.mu.Lock()
		s.log.WriteString(lines.Text() + "\n")
		s.mu.Unlock()
		if m := listening.FindStringSubmatch(lines.Text()); m != nil {
			addr <- m[1]
		}
	}
}

func (s *server) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// stop asks for a drain and wants it to end well.
func (s *server) stop() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	<-s.done
	if err := s.cmd.Wait(); err != nil {
		s.t.Errorf("after SIGTERM: %v", err)
	}
}

// get returns the body of a GET, and its status.
func (s *server) get(path string) (string, int) {
	s.t.Helper()
	resp, err := http.Get("http://" + s.addr + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(body), resp.StatusCode
}

// gauge reads one number of /metrics.
func (s *server) gauge(name string) float64 {
	s.t.Helper()
	body, _ := s.get("/metrics")
	var v float64
	for line := range strings.Lines(body) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			if _, err := fmt.Sscan(rest, &v); err != nil {
				s.t.Fatal(err)
			}
			return v
		}
	}
	s.t.Fatalf("no %s in\n%s", name, body)
	return 0
}

// eventually waits until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(20 * time.Millisecond) // polls, up to patience
	}
}

// run runs a client to its end and returns what it said.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	return runWithin(t, patience, name, args...)
}

// runUntil runs a client until it has said something, ends it, and returns what it said.
func runUntil(t *testing.T, want, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for b := make([]byte, 4096); err == nil && !strings.Contains(said.String(), want); {
		var n int
		n, err = out.Read(b)
		said.Write(b[:n])
	}
	cancel()
	_ = cmd.Wait()
	if !strings.Contains(said.String(), want) {
		t.Errorf("%s %s: never %s, but %q", name, strings.Join(args, " "), want, said.String())
	}
	return said.String()
}

// runWithin is run for a client that does more than one thing.
func runWithin(t *testing.T, limit time.Duration, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
