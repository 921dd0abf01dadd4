package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/coder/websocket"

	"github.com/wsedge/wsedge/internal/tlstest"
)

// What is published by one worker comes to the clients of all, and one that is killed costs nobody anything but its own clients a reconnect: they
// get exactly what they missed from another.
func TestKilledWorker(t *testing.T) {
	p := startWorkers(t, 3)
	var followers []*follower
	for range 24 {
		f, err := p.follow(nil)
		if err != nil {
			t.Fatal(err)
		}
		followers = append(followers, f)
	}
	p.publishes(1, 20)
	for _, f := range followers {
		p.wantGot(f, numbers(1, 20))
	}
	// Loops count what they have delivered behind the turn, and a worker that does not answer in time is summed as it was before.
	p.eventually("24 connections", func() bool { return p.metric("wsedge_connections") == 24 })
	var deliveries float64
	p.eventually("20 deliveries to each", func() bool { deliveries = p.metric("wsedge_deliveries_total"); return deliveries >= 24*20 })
	before := p.processes()
	if len(before) != 3 {
		t.Fatalf("workers %v", before)
	}
	if err := syscall.Kill(before[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.eventually("killed", func() bool { return !lives(before[0]) })
	http.DefaultClient.CloseIdleConnections() // to it
	p.publishes(21, 40)
	p.eventually("as many workers as before", func() bool {
		return p.metric("wsedge_worker_restarts_total") == 1 && strings.Contains(p.admin("/readyz"), "3 of 3 ready")
	})
	left := 0
	for _, f := range followers {
		var ended error
		p.eventually("all, or an end", func() bool { var got []string; got, ended = f.state(); return len(got) == 40 || ended != nil })
		if ended == nil {
			p.wantGot(f, numbers(1, 40))
			left++
			continue
		}
		got, _ := f.state()
		again, err := p.follow(f)
		if err != nil {
			t.Fatal(err)
		}
		p.wantGot(again, numbers(len(got)+1, 40))
	}
	if left == 24 {
		t.Error("the worker that was killed had nobody") // one time in 17,000
	}
	if after := p.metric("wsedge_deliveries_total"); after < deliveries {
		t.Errorf("deliveries fell from %v to %v", deliveries, after)
	}
}

// connecting connects again and again until stop, and subscribes each time. It returns what went wrong.
func (p *program) connecting(stop <-chan struct{}) (connected int, err error) {
	for {
		select {
		case <-stop:
			return connected, nil
		default:
		}
		f, err := p.follow(nil)
		switch {
		case err == nil:
			_ = f.conn.CloseNow()
		case websocket.CloseStatus(err) != 3001: // it got in, and was told to go at once
			return connected, err
		}
		connected++
	}
}

// While workers are replaced one by one, everybody who connects gets in, and everybody who is told to go gets what was published meanwhile.
func TestRollingRestart(t *testing.T) {
	p := startWorkers(t, 2)
	stay, err := p.follow(nil)
	if err != nil {
		t.Fatal(err)
	}
	before := p.processes()
	stop := make(chan struct{})
	var connecting sync.WaitGroup
	for range 3 {
		connecting.Go(func() {
			if n, err := p.connecting(stop); err != nil {
				t.Errorf("after %d: %v", n, err)
			}
		})
	}
	published := 0
	for round := 1; round <= 2; round++ {
		p.signal(syscall.SIGUSR2)
		p.eventually("rolled", func() bool {
			if published < 400*round { // fewer than are kept
				p.publishes(published+1, published+5)
				published += 5
			}
			return strings.Count(p.logged(), "rolling restart ended") == round
		})
	}
	close(stop)
	connecting.Wait()
	got := 0
	for again := stay; ; {
		var more []string
		var ended error
		p.eventually("all, or an end", func() bool { more, ended = again.state(); return got+len(more) == published || ended != nil })
		for i, data := range more {
			if data != strconv.Itoa(got+i+1) {
				t.Fatalf("got %s, want %d", data, got+i+1)
			}
		}
		if got += len(more); got == published {
			break
		}
		if status := websocket.CloseStatus(ended); status != 3001 {
			t.Fatalf("ended with %v", ended)
		}
		if again, err = p.follow(again); err != nil {
			t.Fatal(err)
		}
	}
	for _, pid := range p.processes() {
		for _, old := range before {
			if pid == old {
				t.Errorf("%d is still there", pid)
			}
		}
	}
	if n := p.metric("wsedge_worker_restarts_total"); n != 0 {
		t.Errorf("%v restarts", n)
	}
}

// A supervisor that is killed takes its workers along: nobody keeps the port.
func TestSupervisorIsKilled(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	p := start(t, "serve", "--workers", "2")
	conn := p.dialWebSocket()
	workers := p.processes()
	p.signal(syscall.SIGKILL)
	p.exit()
	if rest, _ := io.ReadAll(conn); !bytes.Contains(rest, []byte(`"code":3001`)) {
		t.Errorf("told %q", rest)
	}
	p.eventually("nobody listens", func() bool {
		conn, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(p.url, "http://"), "/"))
		if err == nil {
			conn.Close()
		}
		return errors.Is(err, syscall.ECONNREFUSED)
	})
	for _, pid := range workers {
		p.eventually("worker has gone", func() bool { return !lives(pid) })
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// lives tells whether a process runs. One that has ended may wait for somebody to ask how.
func lives(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !bytes.Contains(text, []byte(") Z "))
}

// SIGTERM drains all; a second one ends it.
func TestWorkersDrain(t *testing.T) {
	p := start(t, "serve", "--workers", "2", "--drain-spread", "-1s")
	conn := p.dialWebSocket()
	p.signal(syscall.SIGTERM)
	if rest, _ := io.ReadAll(conn); !bytes.Contains(rest, []byte(`"code":3001`)) {
		t.Errorf("told %q", rest)
	}
	if status := p.exit(); status != exitOK {
		t.Errorf("exit status %d; log:\n%s", status, p.logged())
	}
	p = start(t, "serve", "--workers", "2", "--drain-spread", "2s") // a service manager may tell all of its processes, after the supervisor has
	conn = p.dialWebSocket()
	workers := p.processes()
	p.signal(syscall.SIGTERM)
	p.eventually("both drain", func() bool { return strings.Count(p.logged(), "command=drain") == 2 })
	for _, pid := range workers {
		_ = syscall.Kill(pid, syscall.SIGTERM)
	}
	if rest, _ := io.ReadAll(conn); !bytes.Contains(rest, []byte(`"code":3001`)) {
		t.Errorf("told %q", rest)
	}
	if status := p.exit(); status != exitOK {
		t.Errorf("exit status %d; log:\n%s", status, p.logged())
	}
	p = start(t, "serve", "--workers", "2", "--drain-delay", "1h")
	p.signal(syscall.SIGTERM)
	p.eventually("/readyz says no", func() bool { return p.ready() == http.StatusServiceUnavailable })
	p.signal(syscall.SIGTERM)
	if status := p.exit(); status != exitFailure {
		t.Errorf("exit status %d; log:\n%s", status, p.logged())
	}
}

// What several workers say to SIGHUP is told once, and what is wrong keeps a rolling restart from beginning.
func TestWorkersReload(t *testing.T) {
	good := "listen:\n  workers: 2\n  admin_addr: \"off\"\nnamespaces:\n  default:\n    publish: anyone\n"
	name := file(t, good)
	next := listenAsSupervisor(t)
	p := launch(t, "serve", "--config", name)
	if state := next(); state != "READY=1" {
		t.Errorf("told %q", state)
	}
	p.hangUp("SIGHUP: configuration reloaded", 1)
	if state := next(); !strings.HasPrefix(state, "RELOADING=1") {
		t.Errorf("told %q", state)
	}
	if state := next(); state != "READY=1" {
		t.Errorf("told %q", state)
	}
	put(t, name, []byte(good+"    history_size: -1\n"))
	p.hangUp("SIGHUP: configuration not reloaded, the old one stays", 1)
	next()
	if state := next(); state != "READY=1" {
		t.Errorf("told %q", state)
	}
	if n := strings.Count(p.logged(), "configuration not reloaded"); n != 1 {
		t.Errorf("told %d times:\n%s", n, p.logged())
	}
	p.signal(syscall.SIGUSR2)
	p.eventually("refused", func() bool { return strings.Contains(p.logged(), "no rolling restart") })
	put(t, name, []byte(good))
}

// A worker that is started again has the last configuration that was good, whatever the file says by then, and what needs a restart as the others
// have it. A rolling restart takes that, too.
func TestRestartedWorkerHasTheLastGoodConfiguration(t *testing.T) {
	const text = "listen: {workers: 2, admin_addr: '127.0.0.1:0'}\nlimits: {max_message_bytes: %d}\nnamespaces: {default: {publish: anyone, subscribe: %s}}\n"
	name := file(t, fmt.Sprintf(text, 1000, "anyone"))
	p := launch(t, "serve", "--config", name)
	wants := func(when, permission string, size int) {
		t.Helper()
		for range 12 {
			k, err := p.talk("")
			if err != nil {
				t.Fatal(err)
			}
			_, err = k.hear("welcome")
			if err == nil {
				_ = k.say(`{"type":"subscribe","channel":"news"}`)
				_, err = k.hear("subscribed")
			}
			if got := err == nil; got != (permission == "anyone") {
				t.Errorf("%s: subscribed %v, %v", when, got, err)
			}
			_ = k.say(`{"type":"ping","x":"` + strings.Repeat("x", 1500) + `"}`)
			if _, err = k.hear("pong"); (err == nil) != (size > 1500) {
				t.Errorf("%s: a long message: %v", when, err)
			}
			_ = k.conn.CloseNow()
		}
	}
	died := 0
	kill := func() {
		t.Helper()
		if err := syscall.Kill(p.processes()[died%2], syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		died++
		p.eventually("another", func() bool {
			return p.metric("wsedge_worker_restarts_total") == float64(died) && strings.Contains(p.admin("/readyz"), "2 of 2 ready")
		})
	}
	put(t, name, []byte("nonsense: true\n"))
	kill()
	wants("with a mistake in the file", "anyone", 1000)
	put(t, name, []byte(fmt.Sprintf(text, 2000, "nobody")))
	p.hangUp("SIGHUP: configuration reloaded", 1)
	put(t, name, []byte("nonsense: true\n"))
	p.hangUp("SIGHUP: configuration not reloaded", 1)
	kill()
	wants("after two reloads", "nobody", 1000)
	put(t, name, []byte(fmt.Sprintf(text, 2000, "nobody")))
	p.signal(syscall.SIGUSR2)
	p.eventually("rolled", func() bool { return strings.Contains(p.logged(), "rolling restart ended") })
	wants("after a rolling restart", "nobody", 2000)
}

// A first start that fails is the end of it, as without workers.
func TestWorkersThatCannotStart(t *testing.T) {
	for _, row := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"--workers", "-1"}, exitUsage, "--workers: want 0 to 256"},
		{[]string{"--workers", "2", "--addr", "unix:/tmp/x"}, exitUsage, "a Unix socket is served by one process"},
		{[]string{"--workers", "2", "--acme-domain", "a.example", "--acme-cache", "d"}, exitUsage, "--acme-domain is for one process"},
		{[]string{"--workers", "2", "--addr", "127.0.0.1:1", "--engine", "redis"}, exitUsage, "--engine: want memory"},
		{[]string{"--workers", "2", "--tls-cert", "/nowhere/a", "--tls-key", "/nowhere/b"}, exitFailure, "/nowhere/a"},
	} {
		status, _, stderr := call(nil, append([]string{"serve", "--addr", "127.0.0.1:0"}, row.args...)...)
		if status != row.status || !strings.Contains(stderr, row.want) {
			t.Errorf("%q: status %d, %s", row.args, status, stderr)
		}
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if status, _, stderr := call(nil, "serve", "--workers", "2", "--addr", taken.Addr().String()); status != exitFailure || !strings.Contains(stderr, "in use") {
		t.Errorf("status %d, %s", status, stderr)
	}
}

// Whoever is asked, and wherever, answers for all: with an admin address, and on the one port of development mode.
func TestWorkersAnswerForAll(t *testing.T) {
	p := startWorkers(t, 3)
	for range 12 {
		if _, err := p.follow(nil); err != nil {
			t.Fatal(err)
		}
	}
	p.eventually("the console counts 12", func() bool { return strings.Contains(p.admin("/console/stats"), `"connections":12,`) })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, "ws://"+adminAt.FindStringSubmatch(p.logged())[1]+"/console/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, text, err := conn.Read(ctx); err != nil || !bytes.Contains(text, []byte(`"type":"welcome"`)) {
		t.Errorf("the console's socket: %s, %v", text, err)
	}
	_ = conn.CloseNow()
	if text := p.admin("/debug/worker/2/pprof/cmdline"); !strings.Contains(text, "--workers") {
		t.Errorf("%q", text)
	}
	if text := p.admin("/debug/worker/3/pprof/cmdline"); !strings.Contains(text, "no such worker") {
		t.Errorf("%q", text)
	}

	p = launch(t, "serve", "--workers", "3", "--drain-spread", "-1s")
	for range 12 {
		if _, err := p.follow(nil); err != nil {
			t.Fatal(err)
		}
	}
	for range 6 { // of whichever worker
		http.DefaultClient.CloseIdleConnections()
		for path, want := range map[string]string{
			"metrics": "\nwsedge_connections 12\n", "console/stats": `"connections":12,`, "readyz": "workers: 3 of 3 ready", "healthz": "ok\n",
		} {
			p.eventually(path+" says "+want, func() bool {
				response, err := http.Get(p.url + path)
				if err != nil {
					t.Fatal(err)
				}
				defer response.Body.Close()
				text, _ := io.ReadAll(response.Body)
				return strings.Contains(string(text), want)
			})
		}
	}
}

// Each worker speaks TLS by the same files, and loads them again on SIGHUP, which is told once.
func TestWorkersSpeakTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "a.pem"), filepath.Join(dir, "a.key")
	authority := tlstest.NewAuthority()
	write := func() (serial string) {
		issued := authority.Issue("localhost")
		certPEM, keyPEM := tlstest.PEM(issued)
		put(t, cert, certPEM)
		put(t, key, keyPEM)
		return issued.Leaf.SerialNumber.String()
	}
	old := write()
	p := launch(t, "serve", "--workers", "2", "--drain-spread", "-1s", "--tls-cert", cert, "--tls-key", key)
	config := &tls.Config{RootCAs: authority.Pool(), ServerName: "localhost"}
	shown := func() string { return p.websocket(config).ConnectionState().PeerCertificates[0].SerialNumber.String() }
	if got := shown(); got != old {
		t.Errorf("shows %s, want %s", got, old)
	}
	fresh := write()
	p.hangUp("SIGHUP: certificates reloaded", 1)
	p.eventually("the new one, ten times in a row", func() bool {
		for range 10 {
			if shown() != fresh {
				return false
			}
		}
		return true
	})
	if n := strings.Count(p.logged(), "SIGHUP: certificates reloaded"); n != 1 {
		t.Errorf("told %d times", n)
	}
}
