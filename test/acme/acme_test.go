package acme

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/certs"
	"github.com/wsedge/wsedge/internal/echo"
	"github.com/wsedge/wsedge/internal/tlstest"
	"github.com/wsedge/wsedge/reactor"
)

// patience bounds what must come; a test that passes never waits for it.
const patience = 120 * time.Second

const monthOfSeconds = 30 * 24 * 3600

func TestMain(m *testing.M) {
	// Pebble's own knobs: no pauses, a validation for each order, and good nonces refused now and then.
	os.Setenv("PEBBLE_VA_NOSLEEP", "1")
	os.Setenv("PEBBLE_AUTHZREUSE", "0")
	os.Setenv("PEBBLE_WFE_NONCEREJECT", "5")
	code := m.Run()
	if left := leftBehind(); code == 0 && left != "" {
		fmt.Println("left behind:", left)
		code = 1
	}
	os.Exit(code)
}

// leftBehind waits until no goroutine of ours runs. Those of Pebble never end.
func leftBehind() (stack string) {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		b := make([]byte, 1<<20)
		stack = ""
		for _, s := range strings.Split(string(b[:runtime.Stack(b, true)]), "\n\n") {
			if strings.Contains(s, "internal/certs.") || strings.Contains(s, "acme/autocert.") {
				stack = s
			}
		}
		if stack == "" {
			break
		}
	}
	return stack
}

// journal is a log that can be read.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// node is an echo server with its certificates.
type node struct {
	*reactor.Server
	certs *certs.Certs
	log   *journal
	run   func() // begins the work in the background
	stop  func() // ends all of it; called at the end of the test as well
}

func startNode(t *testing.T, cfg certs.Config, compact bool) *node {
	t.Helper()
	n := &node{log: &journal{}}
	cfg.Logger = slog.New(slog.NewTextHandler(n.log, nil))
	var err error
	if n.certs, err = certs.Open(cfg); err != nil {
		t.Fatal(err)
	}
	n.Server, err = echo.Listen(echo.Config{Addr: "127.0.0.1:0", Logger: cfg.Logger,
		TLS: &reactor.TLSOptions{Config: n.certs.TLS(), Compact: compact}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	n.run = func() { running.Go(func() { n.certs.Run(ctx) }) }
	n.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := n.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		n.stop()
		if t.Failed() {
			t.Logf("log:\n%s", n.log)
		}
	})
	return n
}

// dial connects, and waits until the server has judged.
func dial(addr string, config *tls.Config) (*tls.Conn, error) {
	conn, err := tls.Dial("tcp", addr, config)
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(patience))
	if err := request(conn); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// request has an echo server say that it wants an upgrade.
func request(conn *tls.Conn) error {
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		return err
	}
	b := make([]byte, len("HTTP/1.1 426"))
	if _, err := io.ReadFull(conn, b); err != nil || string(b) != "HTTP/1.1 426" {
		return fmt.Errorf("answer %q: %w", b, err)
	}
	return nil
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) { // polls, up to patience
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func serial(conn *tls.Conn) string {
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Text(16)
}

func TestCertificatesAreObtainedAndKept(t *testing.T) {
	for _, compact := range []bool{false, true} {
		t.Run(map[bool]string{false: "standard", true: "compact"}[compact], func(t *testing.T) {
			p := newPebble(t)
			cfg := certs.Config{ACME: certs.ACME{Domains: []string{"One.example", "two.example"}, CacheDir: t.TempDir(),
				Email: "admin@one.example", DirectoryURL: p.directory(), Client: p.Client()}}
			n := startNode(t, cfg, compact)
			p.validateAt(n.Addr().String(), monthOfSeconds)
			if _, err := dial(n.Addr().String(), p.trusting("one.example")); err == nil || !strings.Contains(err.Error(), "internal error") {
				t.Errorf("before there is a certificate: %v", err)
			}
			n.run()
			var first *tls.Conn
			for _, name := range []string{"one.example", "two.example"} {
				eventually(t, "a certificate for "+name, func() (ok bool) {
					conn, err := dial(n.Addr().String(), p.trusting(name))
					if first == nil {
						first = conn
					} else if err == nil {
						conn.Close()
					}
					return err == nil
				})
			}
			defer first.Close()
			if !strings.Contains(n.log.String(), `msg="certificate obtained" domain=one.example`) {
				t.Error("nothing is logged of it")
			}
			n.stop()

			asked := p.asked.Load()
			again := startNode(t, cfg, compact) // which does not run yet
			conn, err := dial(again.Addr().String(), p.trusting("one.example"))
			if err != nil {
				t.Fatalf("after a restart: %v", err)
			}
			conn.Close()
			if serial(conn) != serial(first) || p.asked.Load() != asked {
				t.Errorf("after a restart: serial %s, was %s; %d requests to the ACME server", serial(conn), serial(first), p.asked.Load()-asked)
			}
		})
	}
}

func TestCertificatesAreRenewed(t *testing.T) {
	p := newPebble(t)
	client := tlstest.NewAuthority()
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(caFile, client.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	n := startNode(t, certs.Config{ClientCA: caFile, ACME: certs.ACME{Domains: []string{"one.example"}, CacheDir: t.TempDir(),
		DirectoryURL: p.directory(), Client: p.Client()}}, false)
	const validity = 45 // seconds; renewed after two thirds of it, which leaves a busy machine 15
	p.validateAt(n.Addr().String(), validity)
	n.run()
	trusting := p.trusting("one.example") // clients prove who they are; the ACME server does not
	trusting.Certificates = []tls.Certificate{client.Issue("client")}
	obtained := make(map[string]bool)
	eventually(t, "a second certificate", func() bool {
		conn, err := dial(n.Addr().String(), trusting)
		if err == nil {
			obtained[serial(conn)] = true
			conn.Close()
		} else if len(obtained) > 0 {
			t.Fatalf("in the midst of it: %v", err)
		}
		return len(obtained) == 2
	})
	if log := n.log.String(); strings.Count(log, "certificate obtained") != 2 || strings.Contains(log, "level=ERROR") {
		t.Error("the log does not fit")
	}
	if _, err := dial(n.Addr().String(), p.trusting("one.example")); err == nil {
		t.Error("a client without certificate was let in")
	}
}

func TestWhyThereIsNoCertificateIsLogged(t *testing.T) {
	p := newPebble(t)
	n := startNode(t, certs.Config{ACME: certs.ACME{Domains: []string{"one.example"}, CacheDir: t.TempDir(),
		DirectoryURL: p.directory(), Client: p.Client()}}, false)
	p.validateAt("127.0.0.1:1", monthOfSeconds) // where nobody listens
	n.run()
	eventually(t, "a reason", func() bool {
		log := n.log.String()
		return strings.Contains(log, "ACME server objects") && strings.Contains(log, "Failed to connect to 127.0.0.1:1") &&
			strings.Contains(log, "no certificate obtained") && strings.Contains(log, "again_in=2m")
	})
}

var listening = regexp.MustCompile(`msg=listening addr=(\S+) url=https://`)

func TestCommand(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "wsedge")
	if out, err := exec.Command("go", "build", "-C", "../..", "-o", binary, "./cmd/wsedge").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	p := newPebble(t)
	trusted := filepath.Join(t.TempDir(), "trusted.pem")
	if err := os.WriteFile(trusted, p.certPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	log := &journal{}
	cmd := exec.Command(binary, "serve", "--addr", "127.0.0.1:0", "--insecure-public", "--acme-domain", "one.example", "--acme-cache", t.TempDir(),
		"--acme-email", "admin@one.example", "--acme-directory", p.directory())
	cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+trusted)
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil || t.Failed() {
			t.Errorf("%v, log:\n%s", err, log)
		}
	})
	var addr string
	eventually(t, "listening", func() bool {
		m := listening.FindStringSubmatch(log.String())
		if m != nil {
			addr = m[1]
		}
		return m != nil
	})
	p.validateAt(addr, monthOfSeconds)
	transport := &http.Transport{TLSClientConfig: p.trusting("one.example")}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: patience}
	eventually(t, "https with a certificate", func() bool {
		response, err := client.Get("https://" + addr + "/readyz")
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "an answer to SIGHUP", func() bool { return strings.Contains(log.String(), "certificates come by ACME") })
}
