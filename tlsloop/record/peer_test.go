package record

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"net"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"
)

var suites = []uint16{tls.TLS_AES_128_GCM_SHA256, tls.TLS_AES_256_GCM_SHA384, tls.TLS_CHACHA20_POLY1305_SHA256}

// peer is the other side, written apart from what it tests, and able to send anything.
type peer struct {
	suite    uint16
	sealing  []byte // secret of what it sends
	opening  []byte // secret of what it gets
	sent     uint64
	received uint64
}

func (p *peer) hash() func() hash.Hash {
	if p.suite == tls.TLS_AES_256_GCM_SHA384 {
		return sha512.New384
	}
	return sha256.New
}

func (p *peer) expand(secret []byte, label string, n int) []byte {
	info := []byte{byte(n >> 8), byte(n), byte(6 + len(label))}
	info = append(append(append(info, "tls13 "...), label...), 0)
	out, err := hkdf.Expand(p.hash(), secret, string(info), n)
	if err != nil {
		panic(err)
	}
	return out
}

func (p *peer) aead(secret []byte) cipher.AEAD {
	var a cipher.AEAD
	var err error
	if p.suite == tls.TLS_CHACHA20_POLY1305_SHA256 {
		a, err = chacha20poly1305.New(p.expand(secret, "key", 32))
	} else {
		n := map[uint16]int{tls.TLS_AES_128_GCM_SHA256: 16, tls.TLS_AES_256_GCM_SHA384: 32}[p.suite]
		var b cipher.Block
		if b, err = aes.NewCipher(p.expand(secret, "key", n)); err == nil {
			a, err = cipher.NewGCM(b)
		}
	}
	if err != nil {
		panic(err)
	}
	return a
}

func (p *peer) nonce(secret []byte, seq uint64) []byte {
	n := make([]byte, 12)
	binary.BigEndian.PutUint64(n[4:], seq)
	for i, b := range p.expand(secret, "iv", 12) {
		n[i] ^= b
	}
	return n
}

// inner seals an inner plaintext as it is: content, type, padding.
func (p *peer) inner(inner []byte) []byte {
	n := len(inner) + 16
	header := []byte{23, 3, 3, byte(n >> 8), byte(n)}
	rec := p.aead(p.sealing).Seal(header, p.nonce(p.sealing, p.sent), inner, header)
	p.sent++
	return rec
}

func (p *peer) seal(kind byte, content ...byte) []byte {
	return p.inner(append(bytes.Clone(content), kind))
}

func (p *peer) rekey() { p.sealing, p.sent = p.expand(p.sealing, "traffic upd", len(p.sealing)), 0 }
func (p *peer) rekeyOpening() {
	p.opening, p.received = p.expand(p.opening, "traffic upd", len(p.opening)), 0
}

// open opens the one record that b is.
func (p *peer) open(b []byte) (kind byte, content []byte, err error) {
	if len(b) < 5 || len(b) != 5+int(b[3])<<8+int(b[4]) {
		return 0, nil, fmt.Errorf("no record: %x", b)
	}
	inner, err := p.aead(p.opening).Open(nil, p.nonce(p.opening, p.received), b[5:], b[:5])
	if err != nil {
		return 0, nil, err
	}
	p.received++
	return inner[len(inner)-1], inner[:len(inner)-1], nil
}

// pair makes a Conn and its peer, with secrets of bytes 1… and 101….
func pair(t testing.TB, suite uint16) (*Conn, *peer) {
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
	return c, &peer{suite: suite, sealing: there, opening: back}
}

func alertOf(err error) (op string, alert tls.AlertError) {
	var e *net.OpError
	if !errors.As(err, &e) || !errors.As(e.Err, &alert) {
		return fmt.Sprint(err), 0
	}
	return e.Op, alert
}
