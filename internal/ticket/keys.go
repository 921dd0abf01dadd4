package ticket

import (
	"bytes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

const (
	// KeyBytes is the size of a key.
	KeyBytes = 32
	// MaxKeys is how many there may be: a rotation needs two.
	MaxKeys = 16

	idBytes = 4
)

// Key is a secret that servers share. Whoever knows it can make tickets for any user.
type Key [KeyBytes]byte

// NewKey makes a random one.
func NewKey() (k Key) {
	_, _ = rand.Read(k[:]) // never fails
	return k
}

// String is the key as a file of keys has it: base64url.
func (k Key) String() string { return base64.RawURLEncoding.EncodeToString(k[:]) }

// ParseKeys reads a file of keys: one a line, the one that new tickets are made with first; 32 random bytes as base64, in either alphabet, or
// in hexadecimal digits. Empty lines, and lines that begin with #, are passed over. All problems are reported together, and none quotes a key.
func ParseKeys(text []byte) ([]Key, error) {
	var keys []Key
	var problems []error
	number := 0
	for line := range bytes.Lines(text) {
		number++
		word := strings.TrimSpace(string(line))
		if word == "" || word[0] == '#' {
			continue
		}
		key, err := parseKey(word)
		if err == nil && slices.Contains(keys, key) {
			err = errors.New("the same key again")
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("line %d: %w", number, err))
			continue
		}
		keys = append(keys, key)
	}
	if len(problems) == 0 {
		problems = append(problems, CheckKeys(keys)...)
		if len(keys) == 0 {
			problems = append(problems, errors.New("there is no key in it"))
		}
	}
	return keys, errors.Join(problems...)
}

func parseKey(word string) (k Key, err error) {
	decode := func(s string) ([]byte, error) { return base64.RawURLEncoding.Strict().DecodeString(s) }
	word = strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(word, "="))
	if len(word) == hex.EncodedLen(KeyBytes) {
		decode = hex.DecodeString
	}
	secret, err := decode(word)
	if err != nil || len(secret) != KeyBytes {
		return k, errors.New("want 32 bytes, as base64 or in hexadecimal digits")
	}
	if k = Key(secret); bytes.Count(k[:], k[:1]) == KeyBytes {
		return k, errors.New("a key must be random")
	}
	return k, nil
}

// CheckKeys tells what is wrong with keys, of which there may be none.
func CheckKeys(keys []Key) (problems []error) {
	if len(keys) > MaxKeys {
		problems = append(problems, fmt.Errorf("%d ticket keys: want at most %d", len(keys), MaxKeys))
	}
	ids := make(map[[idBytes]byte]bool)
	for _, k := range keys {
		id := k.id()
		if ids[id] { // once in four billion pairs
			problems = append(problems, errors.New("two ticket keys look alike: replace one"))
		}
		ids[id] = true
	}
	return problems
}

// id is how tickets name the key. It tells nothing of it.
func (k Key) id() (id [idBytes]byte) {
	copy(id[:], k.derive("wsedge ticket key id v1", idBytes))
	return id
}

// derive makes a secret for one purpose (RFC 5869).
func (k Key) derive(purpose string, n int) []byte {
	secret, err := hkdf.Key(sha256.New, k[:], nil, purpose, n)
	if err != nil {
		panic(err) // only for lengths beyond 255 hashes
	}
	return secret
}

// aead is what the key seals with: XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha), because its nonces are long enough to be drawn at random for as
// many tickets as there will ever be. With AES-GCM's 96 bits a key would be used up after 2³² tickets, some days of a large fleet.
func (k Key) aead() cipher.AEAD {
	aead, err := chacha20poly1305.NewX(k.derive("wsedge ticket encryption v1", chacha20poly1305.KeySize))
	if err != nil {
		panic(err) // only for keys of another size
	}
	return aead
}
