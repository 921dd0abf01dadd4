package auth

import (
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"

	"github.com/golang-jwt/jwt/v5"
)

// SigningKey makes tokens: the other half of a Key.
type SigningKey struct {
	ID            string // "kid"; may be empty
	Algorithm     string // as Key's
	Secret        []byte // of HS256, HS384 and HS512
	PrivateKeyPEM string // of the others: PKCS #8, or SEC 1 or PKCS #1
}

// Sign makes a token of claims. It does not look at them: tests need bad ones, too.
func (s *SigningKey) Sign(claims map[string]any) (string, error) {
	head := map[string]any{"alg": s.Algorithm, "typ": "JWT"}
	if s.ID != "" {
		head["kid"] = s.ID
	}
	first, err := json.Marshal(head)
	if err != nil {
		return "", err
	}
	second, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	material, err := s.material()
	if err != nil {
		return "", err
	}
	signed := base64.RawURLEncoding.EncodeToString(first) + "." + base64.RawURLEncoding.EncodeToString(second)
	signature, err := jwt.GetSigningMethod(s.Algorithm).Sign(signed, material)
	if err != nil {
		return "", errors.New("the key can't sign by " + s.Algorithm)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// Public is the Key that verifies what the signing key signs.
func (s *SigningKey) Public() (Key, error) {
	k := Key{ID: s.ID, Algorithm: s.Algorithm, Secret: s.Secret}
	material, err := s.material()
	if err != nil || secretAlgorithms[s.Algorithm] {
		return k, err
	}
	der, err := x509.MarshalPKIXPublicKey(material.(crypto.Signer).Public())
	k.PublicKeyPEM = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	return k, err
}

// material is what the algorithm signs with.
func (s *SigningKey) material() (any, error) {
	if secretAlgorithms[s.Algorithm] {
		if len(s.Secret) < minSecretBytes {
			return nil, errors.New("the secret must have at least 32 bytes")
		}
		return s.Secret, nil
	}
	block, _ := pem.Decode([]byte(s.PrivateKeyPEM))
	if block == nil {
		return nil, errors.New("the private key must be PEM")
	}
	signer, err := parsePrivate(block.Bytes)
	if err != nil {
		return nil, err
	}
	return signer, suits(s.Algorithm, signer.Public())
}

func parsePrivate(der []byte) (crypto.Signer, error) {
	if k, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		if signer, ok := k.(crypto.Signer); ok {
			return signer, nil
		}
	}
	if k, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return k, nil
	}
	if k, err := x509.ParseECPrivateKey(der); err == nil {
		return k, nil
	}
	return nil, errors.New("the private key is of no known kind")
}
