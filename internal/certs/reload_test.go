package certs

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/reactor"
)

// socket is an established WebSocket.
type socket struct {
	t *testing.T
	*tls.Conn
}

var socketKey = frame.NewClientKey([16]byte{1})

func dialSocket(t *testing.T, s *reactor.Server, config *tls.Config) socket {
	t.Helper()
	conn, err := tls.Dial("tcp", s.Addr().String(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	so := socket{t, conn}
	so.write(frame.AppendClientHandshake(nil, "localhost", "/", socketKey, ""))
	var head []byte
	for b := make([]byte, 1); !strings.HasSuffix(string(head), "\r\n\r\n"); head = append(head, b[0]) {
		if _, err := io.ReadFull(conn, b); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := frame.CheckServerHandshake(head, socketKey); err != nil {
		t.Fatal(err)
	}
	return so
}

func (so socket) write(b []byte) {
	so.t.Helper()
	if _, err := so.Write(b); err != nil {
		so.t.Fatal(err)
	}
}

// echo wants a message back. A ping may come before it.
func (so socket) echo(text string) {
	so.t.Helper()
	so.write(frame.AppendMaskedFrame(nil, frame.OpText, []byte(text), [4]byte{1, 2, 3, 4}))
	want := frame.AppendFrame(nil, frame.OpText, []byte(text))
	got := make([]byte, len(want))
	_, err := io.ReadFull(so, got)
	if ping := frame.AppendFrame(nil, frame.OpPing, nil); err == nil && bytes.HasPrefix(got, ping) {
		n := copy(got, got[len(ping):])
		_, err = io.ReadFull(so, got[n:])
	}
	if err != nil || string(got) != string(want) {
		so.t.Fatalf("got %q, %v", got, err)
	}
}

// serial is that of the certificate which the server has shown.
func (so socket) serial() string {
	return so.ConnectionState().PeerCertificates[0].SerialNumber.Text(16)
}

func TestReloadUnderLoad(t *testing.T) {
	for _, compact := range []bool{false, true} {
		t.Run(map[bool]string{false: "standard", true: "compact"}[compact], func(t *testing.T) { reloadUnderLoad(t, compact) })
	}
}

func reloadUnderLoad(t *testing.T, compact bool) {
	const reloads, clients = 100, 4
	f := newFiles(t)
	old, fresh := issue("localhost"), issue("localhost")
	p := f.pair("a", old)
	c, _ := open(t, Config{Pairs: []Pair{p}})
	s := listen(t, c, compact)
	config := clientConfig("localhost")
	before := dialSocket(t, s, config)
	before.echo("before")

	var connected atomic.Int64
	var connecting sync.WaitGroup
	done := make(chan struct{})
	for range clients {
		connecting.Go(func() {
			resuming := clientConfig("localhost")
			resuming.ClientSessionCache = tls.NewLRUClientSessionCache(1)
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				use := config
				if i%2 == 1 {
					use = resuming
				}
				conn, err := tls.Dial("tcp", s.Addr().String(), use)
				if err != nil {
					t.Errorf("a client failed: %v", err)
					return
				}
				connected.Add(1)
				conn.Close()
			}
		})
	}
	for i := range reloads {
		f.pair("a", []tls.Certificate{fresh, old}[i%2])
		if files, err := c.Reload(); err != nil || files != 2 {
			t.Fatalf("reload %d: %d files, %v", i, files, err)
		}
		for n := connected.Load(); connected.Load() == n && !t.Failed(); { // polls: at least one handshake between two reloads
			time.Sleep(time.Millisecond)
		}
	}
	close(done)
	connecting.Wait()

	f.pair("a", fresh)
	if _, err := c.Reload(); err != nil {
		t.Fatal(err)
	}
	after := dialSocket(t, s, config)
	before.echo("still here")
	after.echo("after")
	if before.serial() != serial(old) || after.serial() != serial(fresh) {
		t.Errorf("before: %s, after: %s; want %s, %s", before.serial(), after.serial(), serial(old), serial(fresh))
	}
}

func TestSessionsAreResumedAcrossReloads(t *testing.T) {
	f := newFiles(t)
	c, _ := open(t, Config{Pairs: []Pair{f.pair("a", issue("localhost"))}, ClientCA: f.put("ca.pem", authority.PEM())})
	config := clientConfig("localhost")
	config.Certificates = []tls.Certificate{issue("client")}
	config.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	server := c.TLS()
	for i, want := range []bool{false, true, true} {
		state, err, _ := meet(config, server)
		if err != nil || state.DidResume != want {
			t.Fatalf("connection %d: resumed %v, %v", i, state.DidResume, err)
		}
		f.pair("a", issue("localhost"))
		if _, err := c.Reload(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatCannotBeLoadedChangesNothing(t *testing.T) {
	f := newFiles(t)
	cert := issue("localhost")
	p := f.pair("a", cert)
	ca := f.put("ca.pem", authority.PEM())
	c, j := open(t, Config{Pairs: []Pair{p}, ClientCA: ca})
	good := c.current.Load()
	certPEM, err := os.ReadFile(p.CertFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, break_ := range []func(){
		func() { f.put("a.pem", certPEM[:len(certPEM)/2]) },
		func() { f.pair("b", issue("b")); f.put("a.pem", mustRead(t, f.path("b.pem"))) },
		func() { os.Remove(p.KeyFile) },
		func() { f.put("ca.pem", []byte("nothing")) },
	} {
		f.pair("a", cert)
		f.put("ca.pem", authority.PEM())
		j.take()
		break_()
		if files, err := c.Reload(); err == nil || files != 3 {
			t.Errorf("%d files, %v", files, err)
		}
		if c.current.Load() != good {
			t.Error("something has changed")
		}
		if log := j.take(); log != "" {
			t.Errorf("returned and logged: %s", log)
		}
	}
	f.pair("a", cert)
	f.put("ca.pem", authority.PEM())
	if _, err := c.Reload(); err != nil {
		t.Error(err)
	}
	if log := j.take(); log != "" { // the same certificate
		t.Errorf("logged: %s", log)
	}
}

func mustRead(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestChangedFilesAreNoticed(t *testing.T) {
	f := newFiles(t)
	synctest.Test(t, func(t *testing.T) {
		months := func() tls.Certificate {
			return authority.IssueFor(time.Now(), time.Now().Add(60*24*time.Hour), "localhost")
		}
		f := files{t, f.dir}
		p := f.pair("a", months())
		c, j := open(t, Config{Pairs: []Pair{p}})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go c.Run(ctx)
		passes := func(d time.Duration) string {
			j.take()
			time.Sleep(d) // of the bubble
			synctest.Wait()
			return j.take()
		}
		if log := passes(10 * time.Minute); log != "" {
			t.Errorf("nothing has changed: %s", log)
		}
		next := months()
		f.pair("a", next)
		if log := passes(time.Minute); !strings.Contains(log, "have changed: reloaded") || !strings.Contains(log, serial(next)) {
			t.Errorf("log: %s", log)
		}
		if got := c.current.Load().pairs.all[0]; !got.Leaf.Equal(next.Leaf) {
			t.Error("not loaded")
		}
		os.Remove(p.KeyFile)
		if log := passes(time.Minute); !strings.Contains(log, "level=ERROR") || !strings.Contains(log, "a.key") {
			t.Errorf("log: %s", log)
		}
		if log := passes(10 * time.Minute); log != "" {
			t.Errorf("said again: %s", log)
		}
		f.pair("a", next)
		if log := passes(time.Minute); !strings.Contains(log, "have changed: reloaded") {
			t.Errorf("log: %s", log)
		}
		if log := passes(54 * 24 * time.Hour); strings.Count(log, "expires soon") != 1 {
			t.Errorf("in the last week: %s", log)
		}
		if log := passes(2 * 24 * time.Hour); strings.Count(log, "expires soon") != 2 {
			t.Errorf("two days later: %s", log)
		}
	})
}
