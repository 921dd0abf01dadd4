package tlsloop

import (
	"crypto/tls"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
)

// listen serves on a real socket, until the test ends.
func listen(t *testing.T, e *Engine) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorker(t, e)
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			w.serve(t, conn, 64<<10, func(s *served) { s.onFailed = func() { conn.Close() } })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		accepting.Wait()
	})
	return ln.Addr().String()
}

func TestRealSockets(t *testing.T) {
	eachMode(t, func(t *testing.T, m mode) {
		addr := listen(t, newEngine(t, m, nil))
		var clients sync.WaitGroup
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			for range 8 {
				clients.Go(func() {
					conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, MaxVersion: version})
					if err != nil {
						t.Error(err)
						return
					}
					defer conn.Close()
					for _, n := range []int{1, 1000, 70_000} {
						echo(t, conn, n)
					}
				})
			}
		}
		clients.Wait()
	})
}

// Another implementation: each suite, a key update of either kind, renegotiation.
func TestOpenSSL(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		if os.Getenv("WSEDGE_INTEGRATION") == "1" {
			t.Fatal("openssl is not installed")
		}
		t.Skip("openssl is not installed")
	}
	for name, c := range map[string]struct {
		args    []string
		refused bool   // what is typed is
		typed   string // a letter at the start of a line is a command: K asks for a key update, k does not, R renegotiates
	}{
		"AES-128":      {[]string{"-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"}, false, "hello\n"},
		"AES-256":      {[]string{"-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384"}, false, "hello\n"},
		"ChaCha20":     {[]string{"-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"}, false, "hello\n"},
		"key updates":  {[]string{"-tls1_3"}, false, "K\nk\nK\nhello\n"},
		"TLS 1.2":      {[]string{"-tls1_2"}, false, "hello\n"},
		"renegotiates": {[]string{"-tls1_2"}, true, "R\nhello\n"},
	} {
		t.Run(name, func(t *testing.T) {
			eachMode(t, func(t *testing.T, m mode) {
				e := newEngine(t, m, nil)
				args := slices.Concat([]string{"s_client", "-connect", listen(t, e), "-servername", "localhost"}, c.args)
				cmd := exec.Command("openssl", args...)
				talk(t, cmd, c.typed, c.refused)
				if s := e.Stats(); s.Succeeded != 1 || s.Mismatched > 0 || (s.Compact == 1) != (m == modeCompact && s.TLS13 == 1) {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// talk types line by line, once the handshake is done, and waits for the echo of the last line, or for the end.
func talk(t *testing.T, cmd *exec.Cmd, typed string, refused bool) {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var seen strings.Builder
	buf := make([]byte, 4096)
	until := func(text string) bool {
		for !strings.Contains(seen.String(), text) {
			n, err := out.Read(buf)
			seen.Write(buf[:n])
			if err != nil {
				return false
			}
		}
		return true
	}
	if !until("Verify return code") {
		t.Errorf("no handshake:\n%s", seen.String())
	}
	for line := range strings.Lines(typed) {
		// s_client takes a command only at the start of what one read gives it, and says what it does.
		if _, err := in.Write([]byte(line)); err != nil {
			break
		}
		if line == "K\n" || line == "k\n" {
			until("KEYUPDATE")
			seen.Reset()
		}
		if line == "R\n" {
			until("RENEGOTIATING")
			seen.Reset()
			break
		}
	}
	if echoed := !refused && until("hello"); echoed == refused {
		t.Errorf("echoed: %v\n%s", echoed, seen.String())
	}
	in.Close()
	for {
		if _, err := out.Read(buf); err != nil {
			break
		}
	}
	if err := cmd.Wait(); refused && err == nil {
		t.Error("renegotiation was not refused")
	} else if !refused && err != nil {
		t.Error(err)
	}
}
