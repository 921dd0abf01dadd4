package record

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"hash"

	"golang.org/x/crypto/chacha20poly1305"
)

const (
	ivLen     = 12
	maxSecret = 48 // SHA-384
	maxKey    = 32 // AES-256, ChaCha20
	tagLen    = 16 // of each of the three ciphers
)

// suite is what the record layer needs to know of a cipher suite.
type suite struct {
	hash      func() hash.Hash
	secretLen int
	keyLen    int
	aead      func(key []byte) (cipher.AEAD, error)
}

var errSuite = errors.New("record: not a cipher suite of TLS 1.3")

// suiteOf finds a cipher suite by its number (RFC 8446, appendix B.4).
func suiteOf(id uint16) (suite, error) {
	switch id {
	case tls.TLS_AES_128_GCM_SHA256:
		return suite{sha256.New, sha256.Size, 16, newGCM}, nil
	case tls.TLS_AES_256_GCM_SHA384:
		return suite{sha512.New384, sha512.Size384, 32, newGCM}, nil
	case tls.TLS_CHACHA20_POLY1305_SHA256:
		return suite{sha256.New, sha256.Size, chacha20poly1305.KeySize, chacha20poly1305.New}, nil
	}
	return suite{}, errSuite
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// expandLabel is HKDF-Expand-Label with an empty context (RFC 8446, section 7.1).
func (s suite) expandLabel(secret []byte, label string, length int) ([]byte, error) {
	const prefix = "tls13 "
	info := binary.BigEndian.AppendUint16(nil, uint16(length))
	info = append(info, byte(len(prefix)+len(label)))
	info = append(info, prefix...)
	info = append(info, label...)
	info = append(info, 0)
	return hkdf.Expand(s.hash, secret, string(info), length)
}

// half is one direction of a connection.
type half struct {
	secret [maxSecret]byte
	key    [maxKey]byte
	iv     [ivLen]byte
	seq    uint64      // of the next record under this key
	warm   cipher.AEAD // nil after cool: made again from key when needed
}

// install starts a key: it derives key and initialization vector from a traffic secret (RFC 8446, section 7.3), and
// counts records from seq.
func (h *half) install(s suite, secret []byte, seq uint64) error {
	if len(secret) != s.secretLen {
		return errors.New("record: traffic secret of the wrong length")
	}
	key, err := s.expandLabel(secret, "key", s.keyLen)
	if err != nil {
		return err
	}
	iv, err := s.expandLabel(secret, "iv", ivLen)
	if err != nil {
		return err
	}
	copy(h.secret[:], secret)
	copy(h.key[:], key)
	copy(h.iv[:], iv)
	h.seq, h.warm = seq, nil
	return nil
}

// update goes on to the next generation of the key (RFC 8446, section 7.2).
func (h *half) update(s suite) error {
	next, err := s.expandLabel(h.secret[:s.secretLen], "traffic upd", s.secretLen)
	if err != nil {
		return err
	}
	return h.install(s, next, 0)
}

// cipher is the warm cipher, or a new one, which then stays warm.
func (h *half) cipher(suiteID uint16) (cipher.AEAD, error) {
	if h.warm != nil {
		return h.warm, nil
	}
	s, err := suiteOf(suiteID)
	if err != nil {
		return nil, err
	}
	h.warm, err = s.aead(h.key[:s.keyLen])
	return h.warm, err
}

// nonce writes the next record's nonce to s and counts the record: no nonce is made twice under one key
// (RFC 8446, section 5.3).
func (h *half) nonce(s *Scratch) []byte {
	s.nonce = h.iv
	last := s.nonce[ivLen-8:]
	binary.BigEndian.PutUint64(last, binary.BigEndian.Uint64(last)^h.seq)
	h.seq++ // 2^64 is out of reach: see rekeyAfter for writing; reading at 10^7 records a second takes 58,000 years
	return s.nonce[:]
}
