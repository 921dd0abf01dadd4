package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	minRSABits = 2048 // NIST SP 800-131A
	maxRSABits = 4096 // verifying costs 4 times that of 2,048 bits, and happens on event loops
	maxKIDSize = 128
)

// key verifies signatures by one algorithm. Immutable.
type key struct {
	algorithm  string
	method     jwt.SigningMethod
	material   any       // what the method wants
	validUntil time.Time // zero: for ever
}

// good tells whether the key counts at now.
func (k *key) good(now time.Time) bool { return k.validUntil.IsZero() || now.Before(k.validUntil) }

// keyRing holds keys by their id.
type keyRing map[string]*key

// secretAlgorithms are those whose key also signs.
var secretAlgorithms = map[string]bool{"HS256": true, "HS384": true, "HS512": true}

// newKeyRing parses the configured keys, and reports all bad ones.
func newKeyRing(configured []Key) (keyRing, []error) {
	ring := make(keyRing, len(configured))
	var problems []error
	for i := range configured {
		k := &configured[i]
		parsed, err := k.parse()
		if err == nil && ring[k.ID] != nil {
			err = errors.New("there is another key of that id")
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("key %q: %w", k.ID, err))
			continue
		}
		ring[k.ID] = parsed
	}
	return ring, problems
}

func (k *Key) parse() (*key, error) {
	if len(k.ID) > maxKIDSize {
		return nil, fmt.Errorf("id is longer than %d bytes", maxKIDSize)
	}
	if secretAlgorithms[k.Algorithm] {
		if len(k.Secret) < minSecretBytes || k.PublicKeyPEM != "" {
			return nil, fmt.Errorf("%s needs a secret of at least %d bytes, and no public key", k.Algorithm, minSecretBytes)
		}
		return &key{k.Algorithm, jwt.GetSigningMethod(k.Algorithm), k.Secret, k.ValidUntil}, nil
	}
	if len(k.Secret) > 0 {
		return nil, fmt.Errorf("algorithm %q takes no secret", k.Algorithm)
	}
	public, err := parsePublicPEM(k.PublicKeyPEM)
	if err != nil {
		return nil, err
	}
	if err := suits(k.Algorithm, public); err != nil {
		return nil, err
	}
	return &key{k.Algorithm, jwt.GetSigningMethod(k.Algorithm), public, k.ValidUntil}, nil
}

// parsePublicPEM reads the one block of a text: a public key, or a certificate's.
func parsePublicPEM(text string) (any, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("the public key must be PEM")
	}
	switch block.Type {
	case "PUBLIC KEY":
		return x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		return certificate.PublicKey, nil
	default:
		return nil, errors.New("the PEM block must be a PUBLIC KEY or a CERTIFICATE")
	}
}

// suits tells why a public key can't be used by an algorithm.
func suits(algorithm string, public any) error {
	ok := false
	switch p := public.(type) {
	case *rsa.PublicKey:
		ok = algorithm == "RS256" || algorithm == "RS384" || algorithm == "RS512"
		if bits := p.N.BitLen(); ok && (bits < minRSABits || bits > maxRSABits) {
			return fmt.Errorf("the RSA key has %d bits: want %d to %d", bits, minRSABits, maxRSABits)
		}
		if ok && (p.E < 3 || p.E&1 == 0) {
			return errors.New("the RSA key has a bad exponent")
		}
	case *ecdsa.PublicKey:
		ok = algorithm == "ES256" && p.Curve == elliptic.P256() || algorithm == "ES384" && p.Curve == elliptic.P384()
	case ed25519.PublicKey:
		ok = algorithm == "EdDSA"
	}
	if !ok {
		return fmt.Errorf("algorithm %q does not go with a %T; want HS256, HS384 or HS512 with a secret, RS256, RS384 or RS512 with RSA, "+
			"ES256 with P-256, ES384 with P-384, EdDSA with Ed25519", algorithm, public)
	}
	return nil
}
