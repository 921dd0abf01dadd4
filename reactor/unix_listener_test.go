package reactor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/panjf2000/gnet/v2"
	gneterrors "github.com/panjf2000/gnet/v2/pkg/errors"

	"github.com/wsedge/wsedge/frame"
)

// socketPath is the address of a Unix socket that does not exist yet. t.TempDir may be too long for one.
func socketPath(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "wsedge")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return unixPrefix + filepath.Join(dir, "s")
}

// fileOf is the path in an address.
func fileOf(addr string) string {
	path, _ := unixPath(addr)
	return path
}

func TestUnixSocket(t *testing.T) {
	addr := socketPath(t)
	loops := newBox[int]()
	s := serve(t, Config{Addr: addr, Loops: 3, HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.RemoteAddr) }),
		Handler: funcs{open: func(c *Conn) { loops <- c.loop.idx }, message: echo.message}})
	if got := s.Addr(); got.Network() != "unix" || got.String() != fileOf(addr) {
		t.Errorf("Addr is %s %s", got.Network(), got)
	}
	used := map[int]bool{}
	var clients []*client
	for i := range 30 {
		c := dial(t, s, "/")
		c.text(fmt.Sprint(i))
		c.wantText(fmt.Sprint(i))
		clients = append(clients, c)
		used[loops.take(t)] = true
	}
	if len(used) != 3 {
		t.Errorf("%d loops have got connections, want 3", len(used))
	}
	if status, body := ask(t, s, "", false, "Connection: close"); status != 200 || body != "@" {
		t.Errorf("HTTP: %d %q", status, body)
	}
	for _, c := range clients {
		c.send(frame.OpClose, "\x03\xe8")
		c.want(frame.OpClose, "\x03\xe8")
		c.wantEOF()
	}
}

// A slow reader on a Unix socket gets all, in order, by the same queue.
func TestUnixSocketBackpressure(t *testing.T) {
	const messages, size = 200, 60_000
	opened := newBox[*Conn]()
	s := serve(t, Config{Addr: socketPath(t), Handler: funcs{open: func(c *Conn) { opened <- c }},
		OutboundMaxBytes: 64 << 20, OutboundMaxAge: patience, CloseTimeout: patience})
	c := dial(t, s, "/")
	onLoop(t, opened.take(t), func(c *Conn) {
		for i := range messages {
			if err := c.Send(frame.OpBinary, bytes.Repeat([]byte{byte(i)}, size)); err != nil {
				t.Error(err)
			}
		}
		c.Close(1000, "all")
	})
	for i := range messages {
		if op, got, err := c.next(); op != frame.OpBinary || got != string(bytes.Repeat([]byte{byte(i)}, size)) || err != nil {
			t.Fatalf("message %d: %v of %d bytes, %v", i, op, len(got), err)
		}
	}
	c.wantClose(1000, "all")
}

func TestSocketFile(t *testing.T) {
	for _, row := range []struct{ mode, want os.FileMode }{{0, 0o660}, {0o600, 0o600}, {0o777, 0o777}} {
		addr := socketPath(t)
		s, err := Listen(Config{Addr: addr, Handler: echo, SocketMode: row.mode})
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Lstat(fileOf(addr))
		if err != nil || info.Mode() != row.want|os.ModeSocket {
			t.Errorf("%#o: the file has %v, %v", row.mode, info.Mode(), err)
		}
		shutdown(t, s)
		if _, err := os.Lstat(fileOf(addr)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("after the end: %v", err)
		}
	}
}

func TestSocketOfADeadServerIsReplaced(t *testing.T) {
	addr := socketPath(t)
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: fileOf(addr)})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	dial(t, serve(t, Config{Addr: addr, Handler: echo}), "/")
}

func TestSocketInUse(t *testing.T) {
	addr := socketPath(t)
	s := serve(t, Config{Addr: addr, Handler: echo})
	_, err := Listen(Config{Addr: addr, Handler: echo})
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), addr) {
		t.Errorf("a second server: %v", err)
	}
	dial(t, s, "/") // the first goes on

	file := unixPrefix + fileOf(addr) + ".txt"
	if err := os.WriteFile(fileOf(file), []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(Config{Addr: file, Handler: echo}); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("over a file: %v", err)
	}
	if b, err := os.ReadFile(fileOf(file)); string(b) != "precious" {
		t.Errorf("the file: %q, %v", b, err)
	}
	if _, err := Listen(Config{Addr: "unix:/nowhere/at/all", Handler: echo}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a directory: %v", err)
	}
}

// Of servers that start in the same moment over the socket of a dead one, one listens, where clients reach it.
func TestServersThatStartTogether(t *testing.T) {
	addr := socketPath(t)
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: fileOf(addr)})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	var starting sync.WaitGroup
	started := newBox[*Server]()
	for range 8 {
		starting.Go(func() {
			if s, err := Listen(Config{Addr: addr, Handler: echo, Loops: 1}); err == nil {
				started <- s
			} else if !errors.Is(err, syscall.EADDRINUSE) {
				t.Error(err)
			}
		})
	}
	starting.Wait()
	if len(started) != 1 {
		t.Errorf("%d servers listen", len(started))
	}
	for range len(started) {
		s := started.take(t)
		shutdown(t, s, dial(t, s, "/"))
	}
}

// What somebody else has put in the place of the server's socket is not removed with the server.
func TestSocketOfASuccessorStays(t *testing.T) {
	addr := socketPath(t)
	first, err := Listen(Config{Addr: addr, Handler: echo})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(fileOf(addr), fileOf(addr)+".old"); err != nil {
		t.Fatal(err)
	}
	second := serve(t, Config{Addr: addr, Handler: echo})
	shutdown(t, first)
	dial(t, second, "/")
}

func TestPathsThatAreRefused(t *testing.T) {
	for _, addr := range []string{"unix:", "unix:@name", "unix:\x00name", "unix:/" + strings.Repeat("x", 110)} {
		if _, err := New(Config{Addr: addr, Handler: echo}); err == nil || !strings.Contains(err.Error(), "Addr") {
			t.Errorf("%q: %v", addr, err)
		}
	}
}

func TestUnixSocketDrain(t *testing.T) {
	plainOnly(t, "under TLS there is no answer")
	s := serve(t, Config{Addr: socketPath(t), Handler: echo})
	c := dial(t, s, "/")
	done := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		done <- s.Shutdown(ctx)
	}()
	op, _, err := c.next()
	if op != frame.OpClose || err != nil {
		t.Fatalf("%v, %v", op, err)
	}
	if status, _ := ask(t, s, "", true); status != http.StatusServiceUnavailable {
		t.Errorf("while draining: %d", status)
	}
	c.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A loop that ends by itself ends the server.
func TestUnexpectedEndBehindAUnixSocketIsReported(t *testing.T) {
	addr := socketPath(t)
	opened := newBox[*Conn]()
	s := prepare(t, Config{Addr: addr, Handler: funcs{open: func(c *Conn) { opened <- c }}})
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	c := dial(t, s, "/")
	s.awaitReady()
	end := gnet.RunnableFunc(func(context.Context) error { return gneterrors.ErrEngineShutdown })
	if err := opened.take(t).loop.el.Execute(context.Background(), end); err != nil {
		t.Fatal(err)
	}
	if err := s.Wait(); !errors.Is(err, ErrEngineStopped) {
		t.Errorf("Wait: %v, want ErrEngineStopped", err)
	}
	if _, err := c.r.ReadByte(); err == nil {
		t.Error("the connection is still there")
	}
	if _, err := os.Lstat(fileOf(addr)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file: %v", err)
	}
}

// An end in the midst of a storm of connections leaves nothing behind; TestMain counts.
func TestUnixSocketEndsInAStorm(t *testing.T) {
	for range 5 {
		s := serve(t, Config{Addr: socketPath(t), Handler: echo, LingerTimeout: 100 * time.Millisecond})
		var storm sync.WaitGroup
		stop := make(chan struct{})
		for range 8 {
			storm.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					conn, err := net.Dial("unix", s.Addr().String())
					if err != nil {
						return
					}
					_, _ = conn.Write(handshakeBytes("/"))
					conn.Close()
				}
			})
		}
		eventually(t, "a storm", func() bool { return s.Stats().Accepted > 200 })
		shutdown(t, s)
		close(stop)
		storm.Wait()
	}
}
