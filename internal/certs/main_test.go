package certs

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/echo"
	"github.com/wsedge/wsedge/internal/leaktest"
	"github.com/wsedge/wsedge/internal/tlstest"
	"github.com/wsedge/wsedge/reactor"
)

// patience bounds what must come; a test that passes never waits for it.
const patience = 60 * time.Second

func TestMain(m *testing.M) {
	leaktest.Run(m, func() {
		s, err := echo.Listen(echo.Config{Addr: "127.0.0.1:0", Logger: (&journal{}).logger()})
		if err != nil {
			panic(err)
		}
		if err := s.Shutdown(context.Background()); err != nil {
			panic(err)
		}
	})
}

var (
	authority  = tlstest.NewAuthority()
	foreigners = tlstest.NewAuthority() // that nobody should trust
)

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

func (j *journal) logger() *slog.Logger { return slog.New(slog.NewTextHandler(j, nil)) }

// take returns what was logged since.
func (j *journal) take() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	defer j.text.Reset()
	return j.text.String()
}

// files is a directory of certificate files.
type files struct {
	t   testing.TB
	dir string
}

func newFiles(t testing.TB) files { return files{t, t.TempDir()} }

func (f files) path(name string) string { return filepath.Join(f.dir, name) }

// put replaces a file as an operator should, at once.
func (f files) put(name string, data []byte) string {
	f.t.Helper()
	if err := os.WriteFile(f.path(name+".new"), data, 0o600); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Rename(f.path(name+".new"), f.path(name)); err != nil {
		f.t.Fatal(err)
	}
	return f.path(name)
}

// pair writes a certificate and its key.
func (f files) pair(name string, cert tls.Certificate) Pair {
	f.t.Helper()
	certPEM, keyPEM := tlstest.PEM(cert)
	return Pair{CertFile: f.put(name+".pem", certPEM), KeyFile: f.put(name+".key", keyPEM)}
}

func open(t testing.TB, cfg Config) (*Certs, *journal) {
	t.Helper()
	j := &journal{}
	cfg.Logger = j.logger()
	c, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c, j
}

// serial is that of a certificate, as the log has it.
func serial(cert tls.Certificate) string { return cert.Leaf.SerialNumber.Text(16) }

// clientConfig is for clients that trust the authority and ask for name; "" asks for none.
func clientConfig(name string) *tls.Config {
	return &tls.Config{RootCAs: authority.Pool(), ServerName: name}
}

// meet lets a client and a server shake hands.
func meet(client, server *tls.Config) (state tls.ConnectionState, clientErr, serverErr error) {
	listener, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		return state, err, err
	}
	defer listener.Close()
	done := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			_, err = conn.Write([]byte{1}) // behind the session tickets
			conn.Close()
		}
		done <- err
	}()
	socket, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		return state, err, err
	}
	defer socket.Close()
	_ = socket.SetDeadline(time.Now().Add(patience))
	conn := tls.Client(socket, client)
	_, clientErr = io.ReadFull(conn, make([]byte, 1)) // in TLS 1.3 the server's judgement comes after the client's handshake
	return conn.ConnectionState(), clientErr, <-done
}

// served returns the serial number of the certificate that a client gets which asks for name and believes everything.
func served(t testing.TB, server *tls.Config, name string) string {
	t.Helper()
	state, err, _ := meet(&tls.Config{ServerName: name, InsecureSkipVerify: true}, server)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return state.PeerCertificates[0].SerialNumber.Text(16)
}

// listen starts an echo server with the certificates.
func listen(t testing.TB, c *Certs, compact bool) *reactor.Server {
	t.Helper()
	s, err := echo.Listen(echo.Config{Addr: "127.0.0.1:0", Logger: c.log, TLS: &reactor.TLSOptions{Config: c.TLS(), Compact: compact}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return s
}

// background runs c until the test ends.
func background(t testing.TB, c *Certs) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { c.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
}
