package integration

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/internal/tlstest"
)

// testCA is a certificate authority in files, which clients are told to trust by their environment.
type testCA struct{ dir, ca, cert, key string }

func newTestCA(t *testing.T) testCA {
	t.Helper()
	dir := t.TempDir()
	authority := tlstest.NewAuthority()
	cert, key := tlstest.PEM(authority.Issue("localhost"))
	ca := testCA{dir, filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	for file, content := range map[string][]byte{ca.ca: authority.PEM(), ca.cert: cert, ca.key: key} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("WSEDGE_TLS", "1")
	t.Setenv("NODE_EXTRA_CA_CERTS", ca.ca)
	t.Setenv("SSL_CERT_FILE", ca.ca)
	return ca
}

func (ca testCA) flags(more ...string) []string {
	return append([]string{"--tls-cert", ca.cert, "--tls-key", ca.key}, more...)
}

// layers are the ways in which the server may speak TLS.
var layers = []struct {
	name  string
	flags []string
	node  string // NODE_OPTIONS
}{
	{"standard", nil, ""},
	{"compact", []string{"--tls-compact"}, ""},
	{"1.2", nil, "--tls-max-v1.2"},
}

func TestNodeClientOverTLS(t *testing.T) {
	needs(t, "node")
	ca := newTestCA(t)
	for _, layer := range layers {
		for _, c := range compressions[:2] {
			t.Run(layer.name+" "+c.name, func(t *testing.T) {
				t.Setenv("NODE_OPTIONS", layer.node)
				s := start(t, "", ca.flags(append(append(layer.flags, c.args...), "--ping-interval", "1s")...)...)
				if out := run(t, "node", "node_client.mjs", s.addr, c.want); out != "conversation ok\nheartbeat ok\nclose ok\n" {
					t.Errorf("the client said %q", out)
				}
				s.stop()
			})
		}
	}
}

func TestNodeEchoOverTLS(t *testing.T) {
	needs(t, "node")
	ca := newTestCA(t)
	for _, layer := range layers {
		t.Setenv("NODE_OPTIONS", layer.node)
		s := startCommand(t, "", "echo", ca.flags(layer.flags...)...)
		if out := run(t, "node", "node_echo.mjs", s.addr); out != "ok\n" {
			t.Errorf("%s: the client said %q", layer.name, out)
		}
		s.stop()
	}
}

func TestPythonClientOverTLS(t *testing.T) {
	needs(t, "/usr/bin/python3")
	ca := newTestCA(t)
	for _, layer := range layers[:2] {
		for _, c := range compressions[:2] {
			s := start(t, "", ca.flags(append(layer.flags, c.args...)...)...)
			if out := run(t, "/usr/bin/python3", "python_client.py", s.addr, c.want); out != "ok\n" {
				t.Errorf("%s: the client said %q", layer.name, out)
			}
			s.stop()
		}
	}
}

func TestCurlOverTLS(t *testing.T) {
	needs(t, "curl")
	ca := newTestCA(t)
	for _, layer := range layers[:2] {
		s := start(t, "", ca.flags(layer.flags...)...)
		curl := func(args ...string) string {
			return run(t, "curl", append([]string{"-sS", "--http1.1", "--cacert", ca.ca}, args...)...)
		}
		url := "https://" + s.addr
		if out := curl("--fail", url+"/api/publish", "-d", `{"channel":"news","data":"hello"}`); !strings.Contains(out, `"offset":1`) {
			t.Errorf("%s: publish answered %s", layer.name, out)
		}
		if out := curl(url+"/healthz", url+"/healthz", "-w", " %{http_code} %{num_connects}\n"); out != "ok\n 200 1\nok\n 200 0\n" {
			t.Errorf("%s: two requests on one connection: %q", layer.name, out)
		}
		out := runUntil(t, `"welcome"`, "curl", append(upgradeByCurl, "--cacert", ca.ca, url+"/ws")...)
		if !strings.HasPrefix(out, "HTTP/1.1 101 ") || !strings.Contains(out, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") || !strings.Contains(out, `"welcome"`) {
			t.Errorf("%s: the handshake by curl: %q", layer.name, out)
		}
		s.stop()
	}
}

// openssl is a client that can do more than it should.
type openssl struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func startOpenSSL(t *testing.T, ca testCA, addr string, args ...string) *openssl {
	t.Helper()
	o := &openssl{t: t, cmd: exec.Command("openssl", append([]string{"s_client", "-connect", addr, "-CAfile", ca.ca, "-verify_return_error", "-servername", "localhost"}, args...)...)}
	var err error
	if o.in, err = o.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := o.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	o.cmd.Stderr = o.cmd.Stdout
	o.out = bufio.NewReader(out)
	if err := o.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = o.cmd.Process.Kill()
		_ = o.cmd.Wait()
	})
	return o
}

func (o *openssl) say(s string) {
	o.t.Helper()
	if _, err := io.WriteString(o.in, s); err != nil {
		o.t.Fatal(err)
	}
}

// await reads on until what was printed ends with s.
func (o *openssl) await(s string) {
	o.t.Helper()
	var seen strings.Builder
	for !strings.HasSuffix(seen.String(), s) {
		b, err := o.out.ReadByte()
		if err != nil {
			o.t.Fatalf("%v before %q in %q", err, s, seen.String())
		}
		seen.WriteByte(b)
	}
}

// TestOpenSSL: every cipher suite of TLS 1.3, and renegotiation in 1.2, which is refused.
func TestOpenSSL(t *testing.T) {
	needs(t, "openssl")
	ca := newTestCA(t)
	const upgrade = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	frame := func(text string) string { return "\x81" + string([]byte{0x80 | byte(len(text)), 0, 0, 0, 0}) + text }
	for _, compact := range []bool{false, true} {
		flags := ca.flags()
		if compact {
			flags = append(flags, "--tls-compact")
		}
		s := startCommand(t, "", "echo", flags...)
		for _, args := range [][]string{
			{"-tls1_2"}, {"-tls1_3"},
			{"-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"},
			{"-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384"},
			{"-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"},
		} {
			t.Run(fmt.Sprint(compact, args), func(t *testing.T) {
				o := startOpenSSL(t, ca, s.addr, append(args, "-quiet")...)
				o.say(upgrade)
				o.await("\r\n\r\n")
				for _, text := range []string{"hello", "again"} {
					o.say(frame(text))
					o.await("\x81\x05" + text)
				}
			})
		}
		t.Run(fmt.Sprint(compact, " renegotiation"), func(t *testing.T) {
			o := startOpenSSL(t, ca, s.addr, "-tls1_2", "-crlf")
			o.await("Extended master secret: yes\n---\n")
			o.say("R\n")
			o.await("RENEGOTIATING\n")
			if rest, err := io.ReadAll(o.out); err != nil || !strings.Contains(string(rest), "alert") {
				t.Errorf("%q, %v; want an alert and the end", rest, err)
			}
		})
		s.stop()
	}
}

func TestBrowserOverTLS(t *testing.T) {
	chromium := os.Getenv("CHROMIUM")
	if chromium == "" {
		chromium = "/usr/bin/chromium"
	}
	needs(t, "node", "certutil", chromium)
	ca := newTestCA(t)
	home := t.TempDir()
	t.Setenv("HOME", home) // where Chromium looks for what people have added to the authorities that it trusts
	store := filepath.Join(home, ".pki", "nssdb")
	if err := os.MkdirAll(store, 0o700); err != nil {
		t.Fatal(err)
	}
	run(t, "certutil", "-d", "sql:"+store, "-N", "--empty-password")
	run(t, "certutil", "-d", "sql:"+store, "-A", "-t", "C,,", "-n", "wsedge test authority", "-i", ca.ca)
	for _, layer := range layers[:2] {
		s := start(t, "", ca.flags(append(layer.flags, "--deflate")...)...)
		if out := run(t, "node", "browser.mjs", s.addr, t.TempDir()); !strings.HasSuffix(out, "ok\n") {
			t.Errorf("%s: the browser said %q", layer.name, out)
		}
		s.stop()
	}
}
