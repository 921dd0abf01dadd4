package tlsloop

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/tlsloop/record"
)

// raw12 is a client of TLS 1.2 with AES-128-GCM whose handshake crypto/tls has done, and that can send anything since.
type raw12 struct {
	conn             net.Conn
	sealing, opening cipher.AEAD
	salts            [2][]byte
	seqs             [2]uint64
}

// randoms remembers the client's random and the master secret of a key log's line.
type randoms struct{ client, master []byte }

func (r *randoms) Write(line []byte) (int, error) {
	f := strings.Fields(string(line))
	var err error
	if r.client, err = hex.DecodeString(f[1]); err == nil {
		r.master, err = hex.DecodeString(f[2])
	}
	return len(line), err
}

// listening keeps the random of the ServerHello that it reads.
type listening struct {
	net.Conn
	server []byte
}

func (l *listening) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	const at = record.HeaderLen + helloHeaderLen + 2
	if l.server == nil && n >= at+32 {
		l.server = bytes.Clone(p[at : at+32])
	}
	return n, err
}

// expand is P_SHA256 (RFC 5246, section 5).
func expand(secret, seed []byte, n int) (out []byte) {
	mac := func(parts ...[]byte) []byte {
		h := hmac.New(sha256.New, secret)
		h.Write(bytes.Join(parts, nil))
		return h.Sum(nil)
	}
	for a := mac(seed); len(out) < n; a = mac(a) {
		out = append(out, mac(a, seed)...)
	}
	return out[:n]
}

func newRaw12(t *testing.T, m mode) (*raw12, *served) {
	t.Helper()
	conn, s := start(t, newEngine(t, m, nil), 64<<10)
	var r randoms
	l := &listening{Conn: conn}
	dial(t, l, &tls.Config{
		KeyLogWriter: &r, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
	})
	<-s.established
	keys := expand(r.master, bytes.Join([][]byte{[]byte("key expansion"), l.server, r.client}, nil), 40)
	gcm := func(key []byte) cipher.AEAD {
		b, err := aes.NewCipher(key)
		if err != nil {
			t.Fatal(err)
		}
		a, err := cipher.NewGCM(b)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	return &raw12{
		conn: conn, sealing: gcm(keys[:16]), opening: gcm(keys[16:32]), salts: [2][]byte{keys[32:36], keys[36:40]},
		seqs: [2]uint64{1, 1}, // Finished was number 0
	}, s
}

// seal is RFC 5288, section 3.
func (r *raw12) seal(kind byte, content ...byte) []byte {
	seq := binary.BigEndian.AppendUint64(nil, r.seqs[0])
	r.seqs[0]++
	data := append(bytes.Clone(seq), kind, 3, 3, byte(len(content)>>8), byte(len(content)))
	n := 8 + len(content) + 16
	rec := append([]byte{kind, 3, 3, byte(n >> 8), byte(n)}, seq...)
	return r.sealing.Seal(rec, append(bytes.Clone(r.salts[0]), seq...), content, data)
}

func (r *raw12) send(t *testing.T, records ...[]byte) {
	t.Helper()
	if _, err := r.conn.Write(bytes.Join(records, nil)); err != nil {
		t.Fatal(err)
	}
}

func (r *raw12) want(t *testing.T, kind byte, content ...byte) {
	t.Helper()
	rec := make([]byte, record.HeaderLen)
	if _, err := io.ReadFull(r.conn, rec); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, int(rec[3])<<8|int(rec[4]))
	if _, err := io.ReadFull(r.conn, body); err != nil {
		t.Fatal(err)
	}
	n := len(body) - 8 - 16
	data := append(binary.BigEndian.AppendUint64(nil, r.seqs[1]), rec[0], 3, 3, byte(n>>8), byte(n))
	r.seqs[1]++
	got, err := r.opening.Open(nil, append(bytes.Clone(r.salts[1]), body[:8]...), body[8:], data)
	if err != nil || rec[0] != kind || !bytes.Equal(got, content) {
		t.Fatalf("got type %d, %x, %v", rec[0], got, err)
	}
}

func TestTLS12(t *testing.T) {
	hello := []byte{1, 0, 0, 38, 3, 3}
	hello = append(append(hello, make([]byte, 33)...), 0, 0, 0)
	for name, c := range map[string]struct {
		records func(r *raw12) [][]byte
		alert   []byte
		err     error
	}{
		"renegotiation": {func(r *raw12) [][]byte { return [][]byte{r.seal(22, hello...)} }, []byte{2, 10}, nil},
		"tampered": {func(r *raw12) [][]byte {
			rec := r.seal(23, 'x')
			rec[len(rec)-1] ^= 1
			return [][]byte{rec}
		}, []byte{2, 20}, nil},
		"change_cipher_spec": {func(r *raw12) [][]byte { return [][]byte{r.seal(20, 1)} }, []byte{2, 10}, nil},
		"too long":           {func(r *raw12) [][]byte { return [][]byte{{23, 3, 3, 0x48, 0x01}} }, []byte{2, 22}, nil},
		"close_notify":       {func(r *raw12) [][]byte { return [][]byte{r.seal(21, 1, 0)} }, []byte{1, 0}, io.EOF},
		"warnings":           {func(r *raw12) [][]byte { return repeat(r, 21, 1, 100) }, []byte{1, 0}, ErrUseless},
		"empty data":         {func(r *raw12) [][]byte { return repeat(r, 23) }, []byte{1, 0}, ErrUseless},
	} {
		t.Run(name, func(t *testing.T) {
			eachMode(t, func(t *testing.T, m mode) {
				r, s := newRaw12(t, m)
				r.send(t, r.seal(23, []byte("hello")...))
				r.want(t, 23, []byte("hello")...)
				r.send(t, c.records(r)...)
				r.want(t, 21, c.alert...)
				<-s.failed
				if s.err == nil || c.err != nil && !errors.Is(s.err, c.err) {
					t.Error(s.err)
				}
			})
		})
	}
}

// repeat is one record more than a second allows.
func repeat(r *raw12, kind byte, content ...byte) (out [][]byte) {
	for range uselessPerSecond + 1 {
		out = append(out, r.seal(kind, content...))
	}
	return out
}
