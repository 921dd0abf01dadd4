package main

import (
	"net"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"
)

// listenAsSupervisor makes a socket for a program to report to, and sets NOTIFY_SOCKET. next is what it is told next.
func listenAsSupervisor(t *testing.T) (next func() string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return func() string {
		t.Helper()
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		b := make([]byte, 4096)
		n, err := conn.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
}

// A supervisor hears when the server listens, when it reads its configuration again and is done with that, and how long it will
// take to end.
func TestSupervisorIsTold(t *testing.T) {
	for _, command := range []string{"serve", "echo"} {
		next := listenAsSupervisor(t)
		args := []string{command}
		if command == "serve" {
			args = append(args, "--drain-spread", "2s")
		}
		p := start(t, args...)
		expect := func(pattern string) {
			t.Helper()
			if got := next(); !regexp.MustCompile(`^` + pattern + `$`).MatchString(got) {
				t.Errorf("%s: told %q, want %s", command, got, pattern)
			}
		}
		expect("READY=1")
		p.signal(syscall.SIGHUP)
		expect(`RELOADING=1\nMONOTONIC_USEC=\d+`)
		expect("READY=1")
		p.signal(syscall.SIGTERM)
		expect(map[string]string{"serve": `STOPPING=1\nEXTEND_TIMEOUT_USEC=37000000\nSTATUS=draining`, "echo": `STOPPING=1\nEXTEND_TIMEOUT_USEC=35000000\nSTATUS=draining`}[command])
		if status := p.exit(); status != exitOK {
			t.Errorf("%s: exit status %d; log:\n%s", command, status, p.logged())
		}
	}
}

// A socket that nobody listens to is no reason not to serve.
func TestSupervisorThatIsGone(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "nobody"))
	p := launch(t, "serve")
	p.ready()
}
