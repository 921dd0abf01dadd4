// Package peer is the client's side of an established TLS 1.3 connection, for tests: written apart from what it tests, and able to
// send anything. It is slow, and panics where it is misused.
//
// Ownership: a Peer is confined to one goroutine. It retains the secrets it was made with.
package peer

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"hash"

	"golang.org/x/crypto/chacha20poly1305"
)

// Peer is one connection.
type Peer struct {
	Suite    uint16
	Sealing  []byte // traffic secret of what it sends
	Opening  []byte // traffic secret of what it gets
	Sent     uint64 // records under Sealing
	Received uint64 // records under Opening
}

func (p *Peer) hash() func() hash.Hash {
	if p.Suite == tls.TLS_AES_256_GCM_SHA384 {
		return sha512.New384
	}
	return sha256.New
}

func (p *Peer) expand(secret []byte, label string, n int) []byte {
	info := []byte{byte(n >> 8), byte(n), byte(6 + len(label))}
	info = append(append(append(info, "tls13 "...), label...), 0)
	out, err := hkdf.Expand(p.hash(), secret, string(info), n)
	if err != nil {
		panic(err)
	}
	return out
}

func (p *Peer) aead(secret []byte) cipher.AEAD {
	var a cipher.AEAD
	var err error
	if p.Suite == tls.TLS_CHACHA20_POLY1305_SHA256 {
		a, err = chacha20poly1305.New(p.expand(secret, "key", 32))
	} else {
		n := map[uint16]int{tls.TLS_AES_128_GCM_SHA256: 16, tls.TLS_AES_256_GCM_SHA384: 32}[p.Suite]
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

func (p *Peer) nonce(secret []byte, seq uint64) []byte {
	n := make([]byte, 12)
	binary.BigEndian.PutUint64(n[4:], seq)
	for i, b := range p.expand(secret, "iv", 12) {
		n[i] ^= b
	}
	return n
}

// Inner seals an inner plaintext as it is: content, type, padding.
func (p *Peer) Inner(inner []byte) []byte {
	n := len(inner) + 16
	header := []byte{23, 3, 3, byte(n >> 8), byte(n)}
	rec := p.aead(p.Sealing).Seal(header, p.nonce(p.Sealing, p.Sent), inner, header)
	p.Sent++
	return rec
}

// Seal seals content of a type.
func (p *Peer) Seal(kind byte, content ...byte) []byte {
	return p.Inner(append(bytes.Clone(content), kind))
}

// Rekey goes on to the next key for what it sends.
func (p *Peer) Rekey() { p.Sealing, p.Sent = p.expand(p.Sealing, "traffic upd", len(p.Sealing)), 0 }

// RekeyOpening goes on to the next key for what it gets.
func (p *Peer) RekeyOpening() {
	p.Opening, p.Received = p.expand(p.Opening, "traffic upd", len(p.Opening)), 0
}

// Open opens the one record that b is.
func (p *Peer) Open(b []byte) (kind byte, content []byte, err error) {
	if len(b) < 5 || len(b) != 5+int(b[3])<<8+int(b[4]) {
		return 0, nil, fmt.Errorf("no record: %x", b)
	}
	inner, err := p.aead(p.Opening).Open(nil, p.nonce(p.Opening, p.Received), b[5:], b[:5])
	if err != nil {
		return 0, nil, err
	}
	p.Received++
	return inner[len(inner)-1], inner[:len(inner)-1], nil
}
