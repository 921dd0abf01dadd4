package certs

import (
	"crypto/tls"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/wsedge/wsedge/internal/tlstest"
)

// Sessions that one process has begun another resumes that has the key, also behind a newer one, and nobody without it; a reload changes nothing.
func TestSessionKeys(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	authority := tlstest.NewAuthority()
	certPEM, keyPEM := tlstest.PEM(authority.Issue("localhost"))
	for name, text := range map[string][]byte{cert: certPEM, key: keyPEM} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	open := func(keys ...[32]byte) *Certs {
		c, err := Open(Config{Pairs: []Pair{{CertFile: cert, KeyFile: key}}, SessionKeys: keys})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	old, fresh := [32]byte{1}, [32]byte{2}
	client := &tls.Config{RootCAs: authority.Pool(), ServerName: "localhost", ClientSessionCache: tls.NewLRUClientSessionCache(1)}
	resumed := func(config *tls.Config) bool {
		t.Helper()
		near, far := net.Pipe()
		defer near.Close()
		go func() {
			server := tls.Server(far, config)
			_, _ = io.WriteString(server, "hello")
			_ = server.Close()
		}()
		conn := tls.Client(near, client)
		if _, err := io.ReadAll(conn); err != nil { // and the ticket
			t.Fatal(err)
		}
		return conn.ConnectionState().DidResume
	}
	first, second, stranger := open(old), open(old), open()
	served := second.TLS().Clone() // as the engine has it
	if resumed(first.TLS()) || !resumed(served) {
		t.Error("a shared key does not resume")
	}
	second.SetSessionKeys([][32]byte{fresh, old})
	if _, err := second.Reload(); err != nil || !resumed(served) || resumed(first.TLS()) {
		t.Errorf("a session is resumed by the older key, and a new ticket has the newer: %v", err)
	}
	stranger.SetSessionKeys([][32]byte{old}) // it has its own
	if resumed(stranger.TLS()) {
		t.Error("resumed without the key")
	}
}
