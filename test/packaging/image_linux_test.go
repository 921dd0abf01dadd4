package packaging

import (
	"encoding/json"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds what must come; a test that passes never waits for it.
const patience = 60 * time.Second

// image is a root directory with what the Dockerfile puts into the image, and what it says of how to run it. There is no /proc, /dev or
// /tmp in it, so that it is less than a container has.
type image struct {
	root, user                 string
	entrypoint, command, probe []string
}

// build makes the image's root, as the Dockerfile does in its first stage.
func build(t *testing.T) *image {
	t.Helper()
	text := read(t, "packaging/docker/Dockerfile")
	_, last, ok := strings.Cut(text, "\nFROM scratch\n")
	if !ok || strings.Contains(last, "\nRUN ") || strings.Count(last, "COPY ") != 1 {
		t.Fatal("the last stage is not from scratch with one copy")
	}
	list := func(pattern string) (words []string) {
		m := regexp.MustCompile(`(?m)^` + pattern + ` (\[.*\])$`).FindStringSubmatch(last)
		if m == nil || json.Unmarshal([]byte(m[1]), &words) != nil {
			t.Fatalf("no %s in the form of a JSON list, which is the only one without a shell", pattern)
		}
		return words
	}
	i := &image{root: t.TempDir(), entrypoint: list("ENTRYPOINT"), command: list("CMD"), probe: list("HEALTHCHECK .*CMD")}
	if m := regexp.MustCompile(`(?m)^USER ([0-9]+:[0-9]+)$`).FindStringSubmatch(last); m != nil {
		i.user = m[1]
	}
	flags := regexp.MustCompile(`-ldflags="([^"]*)" -o /root-of-image(\S+) `).FindStringSubmatch(text)
	if flags == nil || flags[2] != i.entrypoint[0] || i.probe[0] != i.entrypoint[0] {
		t.Fatalf("what is built is not what is run: %q", flags)
	}
	do(t, "../..", []string{"CGO_ENABLED=0"}, "go", "build", "-trimpath", "-ldflags="+strings.ReplaceAll(flags[1], "$VERSION", "v1.2.3-test"), "-o", filepath.Join(i.root, flags[2]), "./cmd/wsedge")
	return i
}

// write puts a file into the image.
func (i *image) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(i.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// start runs a command with the image as its root: as the image's user, or as whoever runs the test in a namespace of their own.
func (i *image) start(t *testing.T, words ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir, cmd.Env = "/", []string{"PATH=/usr/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: i.root}
	if os.Getuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: 65532, Gid: 65532}
	} else {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return cmd
}

// says runs a command to its end, and returns what it says and whether it succeeded.
func (i *image) says(t *testing.T, words ...string) (string, bool) {
	t.Helper()
	out, err := i.start(t, words...).CombinedOutput()
	if _, failed := err.(*exec.ExitError); err != nil && !failed {
		t.Fatal(err)
	}
	return string(out), err == nil
}

// The image has all that the server needs: it serves, its health check says so, and SIGTERM ends it well.
func TestImageServes(t *testing.T) {
	slow(t)
	i := build(t)
	if i.user != "65532:65532" {
		t.Errorf("it runs as %q", i.user)
	}
	if said, ok := i.says(t, i.entrypoint[0], "version"); !ok || !strings.HasPrefix(said, "wsedge v1.2.3-test ") {
		t.Errorf("version: %s", said)
	}
	admin := freeAddress(t)
	probe := append(i.probe, "--probe", "http://"+admin+"/healthz")
	i.write(t, i.command[len(i.command)-1], "listen:\n  addr: 127.0.0.1:0\n  admin_addr: "+admin+"\n")
	if said, ok := i.says(t, probe...); ok {
		t.Errorf("it is healthy before it runs: %s", said)
	}
	server := i.start(t, append(i.entrypoint, i.command...)...)
	var log strings.Builder
	server.Stderr = &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Process.Kill() }()
	healthy := false
	for deadline := time.Now().Add(patience); !healthy && time.Now().Before(deadline); {
		_, healthy = i.says(t, probe...)
	}
	_ = server.Process.Signal(syscall.SIGTERM)
	if err := server.Wait(); err != nil || !healthy {
		t.Errorf("healthy: %t; its end: %v\n%s", healthy, err, &log)
	}
}

// freeAddress is one that nobody listens on. Which one the server picks could only be read in its log.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// The certificates are where Go looks for them.
func TestImageKnowsAuthorities(t *testing.T) {
	slow(t)
	const authorities = "etc/ssl/certs/ca-certificates.crt"
	if !strings.Contains(read(t, "packaging/docker/Dockerfile"), "cp /"+authorities+" /root-of-image/etc/ssl/certs/") {
		t.Error("the Dockerfile does not copy them")
	}
	i := build(t)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) }))
	defer server.Close()
	if said, ok := i.says(t, i.entrypoint[0], "health", "--probe", server.URL); ok || !strings.Contains(said, "certificate") {
		t.Errorf("without authorities: %s", said)
	}
	i.write(t, authorities, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	if said, ok := i.says(t, i.entrypoint[0], "health", "--probe", server.URL); !ok {
		t.Errorf("with them: %s", said)
	}
}
