package link

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// MinTokenBytes is the shortest secret that is taken: 32 hexadecimal digits are 128 bits.
const MinTokenBytes = 32

// ErrWrongToken says that the other side's key is not of the same token, or that it is no agent at all.
var ErrWrongToken = errors.New("the other side does not hold this token")

// Token is what both sides hold. It is immutable, and safe from any goroutine.
type Token struct {
	agent, coordinator ed25519.PrivateKey
}

// NewToken derives the keys of both roles from a secret (RFC 5869). One that is too short to resist guessing is an error.
func NewToken(secret []byte) (*Token, error) {
	if len(secret) < MinTokenBytes {
		return nil, fmt.Errorf("a token must have at least %d characters, not %d: it has to resist guessing", MinTokenBytes, len(secret))
	}
	agent, err := deriveKey(secret, "wsload agent")
	if err != nil {
		return nil, err
	}
	coordinator, err := deriveKey(secret, "wsload coordinator")
	return &Token{agent: agent, coordinator: coordinator}, err
}

func deriveKey(secret []byte, role string) (ed25519.PrivateKey, error) {
	seed, err := hkdf.Key(sha256.New, secret, nil, role, ed25519.SeedSize)
	if err != nil {
		return nil, err
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// agentConfig is for the side that listens.
func (t *Token) agentConfig() (*tls.Config, error) {
	cfg, err := config(t.agent, t.coordinator)
	if err != nil {
		return nil, err
	}
	cfg.ClientAuth = tls.RequireAnyClientCert
	// A ticket would be a second way in.
	cfg.SessionTicketsDisabled = true
	return cfg, nil
}

// coordinatorConfig is for the side that dials.
func (t *Token) coordinatorConfig() (*tls.Config, error) {
	cfg, err := config(t.coordinator, t.agent)
	if err != nil {
		return nil, err
	}
	// There is no name and no authority; VerifyConnection looks at the key itself.
	cfg.InsecureSkipVerify = true
	return cfg, nil
}

// config shows the key of one role and accepts that of the other alone. TLS has the peer prove that it can sign with it.
func config(own, other ed25519.PrivateKey) (*tls.Config, error) {
	certificate, err := certify(own)
	if err != nil {
		return nil, err
	}
	wanted := other.Public().(ed25519.PublicKey)
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{certificate},
		VerifyConnection: func(state tls.ConnectionState) error {
			if len(state.PeerCertificates) == 0 {
				return ErrWrongToken
			}
			shown, ok := state.PeerCertificates[0].PublicKey.(ed25519.PublicKey)
			if !ok || subtle.ConstantTimeCompare(shown, wanted) != 1 {
				return ErrWrongToken
			}
			return nil
		},
	}, nil
}

// certify wraps a key as TLS wants it. Nobody reads the names and dates.
func certify(key ed25519.PrivateKey) (tls.Certificate, error) {
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
