package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/tlstest"
)

// patience bounds what must come; a test that passes never waits for it.
const patience = 60 * time.Second

// asProgram has the test's own binary be the program.
const asProgram = "WSEDGE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

func TestWrongCombinationsAreReportedTogether(t *testing.T) {
	env := func(pairs ...string) map[string]string {
		m := make(map[string]string)
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	for _, row := range []struct {
		env  map[string]string
		args string
		want []string
	}{
		{nil, "--tls-cert a", []string{"--tls-cert names 1 files and --tls-key 0"}},
		{nil, "--tls-key a", []string{"--tls-cert names 0 files and --tls-key 1"}},
		{nil, "--tls-cert a --tls-cert b --tls-key a,b,c", []string{"--tls-cert names 2 files and --tls-key 3"}},
		{nil, "--tls-cert a,,b --tls-key a", []string{"an empty name"}},
		{nil, "--tls-client-ca a --tls-compact --tls-min-version 1.3", []string{"--tls-client-ca needs TLS", "--tls-compact needs TLS", "--tls-min-version needs TLS"}},
		{nil, "--tls-min-version 1.1 --tls-cert a --tls-key a", []string{`"1.1": want 1.2 or 1.3`}},
		{nil, "--acme-cache a --acme-email b@c --acme-directory https://d", []string{"--acme-cache needs --acme-domain", "--acme-email needs", "--acme-directory needs"}},
		{nil, "--acme-domain a.example", []string{"needs a directory"}},
		{nil, "--acme-domain a.example,*.b.example --acme-cache d --tls-cert a --tls-key a", []string{"not both", "wildcard"}},
		{nil, "--acme-domain localhost --acme-cache d --acme-email x --acme-directory http://d", []string{"public DNS", `"x"`, "want https"}},
		{nil, "--addr nonsense --tls-cert a --acme-email b@c", []string{"want host:port", "--tls-cert names 1", "--acme-email needs"}},
		{env("WSEDGE_TLS_CERT", "a,b", "WSEDGE_TLS_KEY", "a"), "", []string{"--tls-cert names 2 files and --tls-key 1"}},
		{env("WSEDGE_TLS_CERT", "a,b", "WSEDGE_TLS_KEY", "a,b"), "--tls-cert c --tls-cert d --tls-cert e", []string{"--tls-cert names 3 files and --tls-key 2"}},
		{env("WSEDGE_TLS_CERT", "a,b", "WSEDGE_TLS_COMPACT", "true"), "--tls-cert=", []string{"--tls-compact needs TLS"}},
	} {
		status, _, stderr := call(row.env, append([]string{"serve"}, strings.Fields(row.args)...)...)
		if status != exitUsage {
			t.Errorf("%s: status %d", row.args, status)
		}
		for _, want := range row.want {
			if !strings.Contains(stderr, want) {
				t.Errorf("%s: %q is not in\n%s", row.args, want, stderr)
			}
		}
	}
	status, _, stderr := call(nil, "echo", "--tls-cert", "a", "--tls-compact", "--acme-cache", "b")
	if status != exitUsage || strings.Contains(stderr, "compact") || !strings.Contains(stderr, "--acme-cache needs") || !strings.Contains(stderr, "--tls-key 0") {
		t.Errorf("echo: status %d, %s", status, stderr)
	}
	for _, command := range []string{"serve", "echo"} {
		status, _, stderr := call(nil, command, "--tls-cert", "/nowhere/a.pem", "--tls-key", "/nowhere/a.key", "--tls-client-ca", "/nowhere/ca.pem")
		if status != exitFailure || !strings.Contains(stderr, "a.pem") || !strings.Contains(stderr, "a.key") || !strings.Contains(stderr, "ca.pem") {
			t.Errorf("%s: status %d, %s", command, status, stderr)
		}
	}
}

// program is a running wsedge.
type program struct {
	t   *testing.T
	cmd *exec.Cmd
	url string

	mu  sync.Mutex
	log bytes.Buffer
}

// Write implements io.Writer.
func (p *program) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

func (p *program) logged() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

var listening = regexp.MustCompile(`msg=listening addr=\S+ url=(\S+) `)

// launch starts a command of the program. At the test's end it must drain.
func launch(t *testing.T, args ...string) *program {
	t.Helper()
	p := start(t, args...)
	t.Cleanup(func() {
		p.signal(syscall.SIGTERM)
		if err := p.cmd.Wait(); err != nil {
			t.Errorf("after SIGTERM: %v", err)
		}
		if t.Failed() {
			t.Logf("log:\n%s", p.logged())
		}
	})
	return p
}

// start starts a command of the program, which must end by itself.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	p := &program{t: t, cmd: exec.Command(os.Args[0], append(args, "--addr", "127.0.0.1:0")...)}
	p.cmd.Env = append(os.Environ(), asProgram+"=1")
	p.cmd.Stderr = p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	p.eventually("listening", func() bool {
		m := listening.FindStringSubmatch(p.logged())
		if m != nil {
			p.url = m[1]
		}
		return m != nil
	})
	return p
}

func (p *program) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Error(err)
	}
}

func (p *program) eventually(what string, ok func() bool) {
	p.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) { // polls, up to patience
		if time.Now().After(end) {
			p.t.Fatalf("never: %s; log:\n%s", what, p.logged())
		}
	}
}

// hangUp sends SIGHUP and waits for what the program says to it, for the nth time.
func (p *program) hangUp(want string, n int) {
	p.t.Helper()
	p.signal(syscall.SIGHUP)
	p.eventually(want, func() bool { return strings.Count(p.logged(), want) >= n })
}

// websocket opens a WebSocket under TLS, and checks that it is one.
func (p *program) websocket(config *tls.Config) *tls.Conn {
	p.t.Helper()
	_, rest, _ := strings.Cut(p.url, "://")
	dialer := &tls.Dialer{NetDialer: &net.Dialer{Timeout: patience}, Config: config}
	conn, err := dialer.DialContext(context.Background(), "tcp", strings.TrimSuffix(rest, "/"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	key := frame.NewClientKey([16]byte{1})
	if _, err := conn.Write(frame.AppendClientHandshake(nil, "localhost", "/ws", key, "")); err != nil {
		p.t.Fatal(err)
	}
	var head []byte
	for b := make([]byte, 1); !bytes.HasSuffix(head, []byte("\r\n\r\n")); head = append(head, b[0]) {
		if _, err := io.ReadFull(conn, b); err != nil {
			p.t.Fatalf("after %q: %v", head, err)
		}
	}
	if _, err := frame.CheckServerHandshake(head, key); err != nil {
		p.t.Fatal(err)
	}
	return conn.(*tls.Conn)
}

// alive wants a pong.
func alive(t *testing.T, conn *tls.Conn) {
	t.Helper()
	if _, err := conn.Write(frame.AppendMaskedFrame(nil, frame.OpPing, []byte("x"), [4]byte{})); err != nil {
		t.Fatal(err)
	}
	want := frame.AppendFrame(nil, frame.OpPong, []byte("x"))
	for read := []byte(nil); !bytes.HasSuffix(read, want); { // serve says welcome before
		b := make([]byte, 1)
		if _, err := io.ReadFull(conn, b); err != nil {
			t.Fatal(err)
		}
		read = append(read, b...)
	}
}

func put(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCertificateIsReloadedOnSIGHUP(t *testing.T) {
	for command, scheme := range map[string]string{"serve": "https://", "echo": "wss://"} {
		t.Run(command, func(t *testing.T) { reloadOnSIGHUP(t, command, scheme) })
	}
}

func reloadOnSIGHUP(t *testing.T, command, scheme string) {
	dir := t.TempDir()
	cert, key, ca := filepath.Join(dir, "a.pem"), filepath.Join(dir, "a.key"), filepath.Join(dir, "ca.pem")
	authority := tlstest.NewAuthority()
	old, fresh, client := authority.Issue("localhost"), authority.Issue("localhost"), authority.Issue("client")
	write := func(c tls.Certificate) {
		certPEM, keyPEM := tlstest.PEM(c)
		put(t, cert, certPEM)
		put(t, key, keyPEM)
	}
	write(old)
	put(t, ca, authority.PEM())
	p := launch(t, command, "--tls-cert", cert, "--tls-key", key, "--tls-client-ca", ca, "--tls-min-version", "1.3", "--tls-compact")
	if !strings.HasPrefix(p.url, scheme+"127.0.0.1:") {
		t.Errorf("listens at %s", p.url)
	}
	config := &tls.Config{RootCAs: authority.Pool(), ServerName: "localhost", Certificates: []tls.Certificate{client}}
	shown := func(conn *tls.Conn) string { return conn.ConnectionState().PeerCertificates[0].SerialNumber.String() }
	before := p.websocket(config)
	write(fresh)
	p.hangUp("SIGHUP: certificates reloaded", 1)
	after := p.websocket(config)
	put(t, key, []byte("no key"))
	p.hangUp("SIGHUP: certificates not reloaded, the old ones stay", 1)
	later := p.websocket(config)
	for _, conn := range []*tls.Conn{before, after, later} {
		alive(t, conn)
	}
	if shown(before) != old.Leaf.SerialNumber.String() || shown(after) != fresh.Leaf.SerialNumber.String() || shown(later) != shown(after) {
		t.Errorf("serials %s, %s, %s", shown(before), shown(after), shown(later))
	}
}

func TestSIGHUPDoesNotEndAServerWithoutTLS(t *testing.T) {
	for command, scheme := range map[string]string{"serve": "http://", "echo": "ws://"} {
		p := launch(t, command)
		if !strings.HasPrefix(p.url, scheme) {
			t.Errorf("listens at %s", p.url)
		}
		p.hangUp("SIGHUP: nothing to reload, TLS is off", 1)
		p.hangUp("SIGHUP: nothing to reload, TLS is off", 2)
	}
}
