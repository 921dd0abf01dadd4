package tlsloop

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"testing"
)

// echo sends n random bytes and wants them back.
func echo(t testing.TB, conn net.Conn, n int) {
	t.Helper()
	sent, got := make([]byte, n), make([]byte, n)
	rand.Read(sent)
	if _, err := conn.Write(sent); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, got); err != nil {
		t.Fatalf("echo of %d bytes: %v", n, err)
	}
	if !bytes.Equal(sent, got) {
		t.Fatalf("echo of %d bytes differs", n)
	}
}

func TestEcho(t *testing.T) {
	for _, m := range modes {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			e := newEngine(t, m, nil)
			for _, cut := range []int{1, 7, 1000, 64 << 10} {
				t.Run(fmt.Sprintf("%s/%s/cut=%d", m, tls.VersionName(version), cut), func(t *testing.T) {
					conn, s := start(t, e, cut)
					client := dial(t, conn, &tls.Config{MaxVersion: version})
					for _, n := range []int{1, 2, 125, 1000, 16383, 16384, 16385, 70_000} {
						echo(t, client, n)
					}
					s.do(func() {
						if _, ok := s.session.layer.(*compact); ok != (m == modeCompact && version == tls.VersionTLS13) {
							t.Errorf("goes on as %T", s.session.layer)
						}
						if s.session.Partial() || s.session.HasOutput() {
							t.Error("something is left")
						}
					})
				})
			}
			if s := e.Stats(); s.Succeeded != 4 || s.Failed+s.Abandoned+s.Mismatched != 0 || s.InFlight != 0 {
				t.Errorf("%+v", s)
			}
		}
	}
}
