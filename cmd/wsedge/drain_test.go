package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// dialWebSocket opens a plain WebSocket and takes its welcome.
func (p *program) dialWebSocket() net.Conn {
	p.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(p.url, "http://"), "/"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write(frame.AppendClientHandshake(nil, "localhost", "/ws", frame.NewClientKey([16]byte{1}), "")); err != nil {
		p.t.Fatal(err)
	}
	for got := []byte(nil); !bytes.Contains(got, []byte(`"type":"welcome"`)); {
		b := make([]byte, 1)
		if _, err := io.ReadFull(conn, b); err != nil {
			p.t.Fatalf("after %q: %v", got, err)
		}
		got = append(got, b...)
	}
	return conn
}

func (p *program) ready() int {
	p.t.Helper()
	response, err := http.Get(p.url + "readyz")
	if err != nil {
		p.t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

// exit waits for the program's end and returns its status.
func (p *program) exit() int {
	p.t.Helper()
	err := p.cmd.Wait()
	if failed := (*exec.ExitError)(nil); err != nil && !errors.As(err, &failed) {
		p.t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// During the delay only /readyz has changed; a second signal ends that, and the exit status says that clients were cut off.
func TestSecondSignalEndsADrain(t *testing.T) {
	p := start(t, "serve", "--drain-delay", "1h")
	conn := p.dialWebSocket()
	if status := p.ready(); status != http.StatusOK {
		t.Errorf("/readyz %d before", status)
	}
	p.signal(syscall.SIGTERM)
	p.eventually("draining", func() bool { return strings.Contains(p.logged(), "msg=draining") })
	p.eventually("/readyz says no", func() bool { return p.ready() == http.StatusServiceUnavailable })
	p.dialWebSocket()
	p.signal(syscall.SIGTERM)
	if status := p.exit(); status != exitFailure {
		t.Errorf("exit status %d, want %d; log:\n%s", status, exitFailure, p.logged())
	}
	if rest, _ := io.ReadAll(conn); bytes.Contains(rest, []byte("disconnect")) {
		t.Errorf("told %q", rest)
	}
}

func TestDrainOfAProgram(t *testing.T) {
	p := start(t, "serve", "--drain-delay", "1ms", "--drain-spread", "1h") // one client does not take an hour
	conn := p.dialWebSocket()
	p.signal(syscall.SIGTERM)
	var got []byte
	for want := `{"type":"disconnect","code":3001,"reason":"shutdown","retry_after_ms":`; !bytes.Contains(got, []byte(want)); {
		b := make([]byte, 1)
		if _, err := io.ReadFull(conn, b); err != nil {
			t.Fatalf("after %q: %v", got, err)
		}
		got = append(got, b...)
	}
	conn.Close()
	if status := p.exit(); status != exitOK {
		t.Errorf("exit status %d; log:\n%s", status, p.logged())
	}
}

func TestLimitFlags(t *testing.T) {
	status, _, stderr := call(nil, "serve", "--conns-per-address", "-1", "--accept-rate", "-1", "--conns-per-user", "-1", "--message-rate", "-1",
		"--user-message-rate", "-1", "--api-requests", "-1", "--channels-per-conn", "-1", "--publish-rate", "-1", "--max-data", "-1", "--drain-delay", "-1s")
	if status != exitUsage || strings.Count(stderr, "must not be negative") != 10 {
		t.Errorf("status %d, want ten problems:\n%s", status, stderr)
	}
}

// A worker that exits does not die of a SIGTERM that comes late.
func TestWorkersGoOnToCatchSignals(t *testing.T) {
	caught := catchSignals()
	caught.member = &member{}
	defer (&signals{end: caught.end, reload: caught.reload}).release()
	caught.release()
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := <-caught.end; got != syscall.SIGTERM {
		t.Errorf("caught %v", got)
	}
}
