package ticket

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"strings"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
)

// version is the first byte of every ticket. Another one is another form, and refused.
const version = 1

// purpose binds what is sealed to what it is for.
const purpose = "wsedge resume ticket"

// A ticket is, in base64url without padding:
//
//	version 1 | key id 4 | nonce 24 | sealed content …, tag 16
//
// and the tag also covers the version, the key's id, the purpose and the deployment.
const (
	headBytes  = 1 + idBytes
	nonceBytes = chacha20poly1305.NonceSizeX
	extraBytes = headBytes + nonceBytes + chacha20poly1305.Overhead
	maxContent = MaxBytes/4*3 - extraBytes
)

// encoding has one text for each ticket.
var encoding = base64.RawURLEncoding.Strict()

// Box seals tickets with the first of its keys, and opens those that were made with any. Immutable, and safe from any goroutine.
type Box struct {
	first [idBytes]byte
	aeads map[[idBytes]byte]cipher.AEAD
}

// NewBox makes a Box of keys that CheckKeys finds nothing wrong with, of which there must be one at least.
func NewBox(keys []Key) *Box {
	b := &Box{first: keys[0].id(), aeads: make(map[[idBytes]byte]cipher.AEAD, len(keys))}
	for _, k := range keys {
		b.aeads[k.id()] = k.aead()
	}
	return b
}

// Seal writes a ticket. Only servers that say the same of deployment can open it. Where there is no room for all channels it has the first of
// them; false: there is no room for the rest either.
func (b *Box) Seal(t *Ticket, deployment string) (text string, ok bool) {
	content, ok := t.content()
	if !ok {
		return "", false
	}
	sealed := make([]byte, headBytes+nonceBytes, len(content)+extraBytes)
	sealed[0] = version
	copy(sealed[1:], b.first[:])
	nonce := sealed[headBytes:]
	_, _ = rand.Read(nonce) // never fails
	sealed = b.aeads[b.first].Seal(sealed, nonce, content, bound(sealed[:headBytes], deployment))
	return encoding.EncodeToString(sealed), true
}

// Open reads a ticket. now is the wall clock. The error is an *Error.
func (b *Box) Open(text, deployment string, now time.Time) (*Ticket, error) {
	if len(text) > MaxBytes || strings.ContainsAny(text, "\r\n") { // line ends are passed over by the decoder
		return nil, &Error{ReasonMalformed}
	}
	sealed, err := encoding.DecodeString(text)
	if err != nil || len(sealed) < extraBytes || sealed[0] != version {
		return nil, &Error{ReasonMalformed}
	}
	aead := b.aeads[[idBytes]byte(sealed[1:headBytes])]
	if aead == nil {
		return nil, &Error{ReasonUnknownKey}
	}
	nonce, rest := sealed[headBytes:headBytes+nonceBytes], sealed[headBytes+nonceBytes:]
	content, err := aead.Open(rest[:0], nonce, rest, bound(sealed[:headBytes], deployment))
	if err != nil {
		return nil, &Error{ReasonForged}
	}
	t, ok := readContent(content)
	switch {
	case !ok:
		return nil, &Error{ReasonMalformed}
	case now.Sub(t.Issued) >= Life, t.Issued.Sub(now) > MaxSkew:
		return nil, &Error{ReasonTooOld}
	}
	return t, nil
}

// bound is the associated data.
func bound(head []byte, deployment string) []byte {
	b := make([]byte, 0, len(head)+len(purpose)+1+len(deployment))
	b = append(append(b, head...), purpose...)
	return append(append(b, 0), deployment...)
}
