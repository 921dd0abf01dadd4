package record

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/wsedge/wsedge/tlsloop/internal/peer"
)

var suites = []uint16{tls.TLS_AES_128_GCM_SHA256, tls.TLS_AES_256_GCM_SHA384, tls.TLS_CHACHA20_POLY1305_SHA256}

// pair makes a Conn and its peer, with secrets of bytes 1… and 101….
func pair(t testing.TB, suite uint16) (*Conn, *peer.Peer) {
	t.Helper()
	n := 32
	if suite == tls.TLS_AES_256_GCM_SHA384 {
		n = 48
	}
	there, back := make([]byte, n), make([]byte, n)
	for i := range n {
		there[i], back[i] = byte(1+i), byte(101+i)
	}
	c, err := New(suite, there, back, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	return c, &peer.Peer{Suite: suite, Sealing: there, Opening: back}
}

func alertOf(err error) (op string, alert tls.AlertError) {
	var e *net.OpError
	if !errors.As(err, &e) || !errors.As(e.Err, &alert) {
		return fmt.Sprint(err), 0
	}
	return e.Op, alert
}
