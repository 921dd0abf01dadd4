package tlsloop

import (
	"bytes"
	"crypto/tls"
	"encoding/hex"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/tlsloop/internal/peer"
	"github.com/wsedge/wsedge/tlsloop/record"
)

// keyLog remembers what a KeyLogWriter is told, by label.
type keyLog map[string][]byte

func (k keyLog) Write(line []byte) (int, error) {
	f := strings.Fields(string(line))
	secret, err := hex.DecodeString(f[2])
	k[f[0]] = secret
	return len(line), err
}

// raw is a client whose handshake crypto/tls has done, and that can send anything since.
type raw struct {
	*peer.Peer
	t    testing.TB
	conn net.Conn
}

// newRaw connects to an engine that issues no tickets, so that records count from 0 both ways.
func newRaw(t testing.TB, m mode, options ...func(*served)) (*raw, *served) {
	t.Helper()
	conn, s := start(t, newEngine(t, m, &tls.Config{SessionTicketsDisabled: true}), 64<<10, options...)
	log := keyLog{}
	client := dial(t, conn, &tls.Config{KeyLogWriter: log, MinVersion: tls.VersionTLS13})
	<-s.established
	return &raw{t: t, conn: conn, Peer: &peer.Peer{
		Suite: client.ConnectionState().CipherSuite, Sealing: log["CLIENT_TRAFFIC_SECRET_0"], Opening: log["SERVER_TRAFFIC_SECRET_0"],
	}}, s
}

// eachMode runs a test against each mode.
func eachMode(t *testing.T, test func(t *testing.T, m mode)) {
	for _, m := range modes {
		t.Run(string(m), func(t *testing.T) { test(t, m) })
	}
}

func (r *raw) send(records ...[]byte) {
	r.t.Helper()
	if _, err := r.conn.Write(bytes.Join(records, nil)); err != nil {
		r.t.Fatal(err)
	}
}

// next opens the next record.
func (r *raw) next() (kind byte, content []byte) {
	r.t.Helper()
	rec := make([]byte, record.HeaderLen)
	if _, err := io.ReadFull(r.conn, rec); err != nil {
		r.t.Fatal("no record comes: ", err)
	}
	body := make([]byte, record.Length(rec, record.MaxCiphertext)-record.HeaderLen)
	if _, err := io.ReadFull(r.conn, body); err != nil {
		r.t.Fatal(err)
	}
	kind, content, err := r.Open(append(rec, body...))
	if err != nil {
		r.t.Fatalf("the server's record %d under its key: %v", r.Received, err)
	}
	return kind, content
}

func (r *raw) want(kind byte, content ...byte) {
	r.t.Helper()
	if k, c := r.next(); k != kind || !bytes.Equal(c, content) {
		r.t.Fatalf("got type %d, %x; not %d, %x", k, c, kind, content)
	}
}

// echo sends text and wants it back.
func (r *raw) echo(text string) {
	r.t.Helper()
	r.send(r.Seal(23, []byte(text)...))
	r.want(23, []byte(text)...)
}

// update sends a KeyUpdate; one that asks is answered.
func (r *raw) update(asks byte) {
	r.t.Helper()
	r.send(r.Seal(22, 24, 0, 0, 1, asks))
	r.Rekey()
	if asks == 1 {
		r.want(22, 24, 0, 0, 1, 0)
		r.RekeyOpening()
	}
}
