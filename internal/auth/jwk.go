package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"math/big"

	"github.com/golang-jwt/jwt/v5"
)

// maxSetKeys bounds the keys of a set.
const maxSetKeys = 64

// parseKeySet reads a JWK set (RFC 7517, section 5). Keys that are not for verifying, or that we can't use, are left out; a set with
// no usable key, or with two of one id, is no good.
func parseKeySet(body []byte) (keyRing, error) {
	members, err := object(body)
	if err != nil {
		return nil, err
	}
	var list []map[string]json.RawMessage
	if err := json.Unmarshal(members["keys"], &list); err != nil {
		return nil, errors.New("keys must be an array of objects")
	}
	if len(list) > maxSetKeys {
		return nil, errors.New("more than 64 keys")
	}
	ring := make(keyRing, len(list))
	for _, jwk := range list {
		kid, k := readJWK(jwk)
		if k == nil {
			continue
		}
		if ring[kid] != nil {
			return nil, errors.New("two keys of one id")
		}
		ring[kid] = k
	}
	if len(ring) == 0 {
		return nil, errors.New("no usable key")
	}
	return ring, nil
}

// readJWK reads one public key; nil where it can't be used. Symmetric keys are never: what is published is no secret.
func readJWK(members map[string]json.RawMessage) (kid string, k *key) {
	get := func(name string) string {
		s, _ := text(members[name], maxRSABits) // base64 of the longest modulus is shorter
		return s
	}
	kid = get("kid")
	if kid == "" || len(kid) > maxKIDSize || members["use"] != nil && get("use") != "sig" || !mayVerify(members["key_ops"]) {
		return "", nil
	}
	var public any
	algorithm := "" // what a key without "alg" is good for
	switch get("kty") + " " + get("crv") {
	case "RSA ":
		public, algorithm = rsaKey(get("n"), get("e")), "RS256"
	case "EC P-256":
		public, algorithm = ecKey(elliptic.P256(), get("x"), get("y")), "ES256"
	case "EC P-384":
		public, algorithm = ecKey(elliptic.P384(), get("x"), get("y")), "ES384"
	case "OKP Ed25519":
		if x, err := strictly.DecodeString(get("x")); err == nil && len(x) == ed25519.PublicKeySize {
			public, algorithm = ed25519.PublicKey(x), "EdDSA"
		}
	}
	if members["alg"] != nil {
		algorithm = get("alg")
	}
	if public == nil || suits(algorithm, public) != nil {
		return "", nil
	}
	return kid, &key{algorithm: algorithm, method: jwt.GetSigningMethod(algorithm), material: public}
}

func mayVerify(operations json.RawMessage) bool {
	if operations == nil {
		return true
	}
	var list []string
	if json.Unmarshal(operations, &list) != nil {
		return false
	}
	for _, operation := range list {
		if operation == "verify" {
			return true
		}
	}
	return false
}

func rsaKey(n, e string) any {
	modulus, err := strictly.DecodeString(n)
	exponent, err2 := strictly.DecodeString(e)
	if err != nil || err2 != nil || len(modulus) == 0 || len(exponent) == 0 || len(exponent) > 4 || exponent[0] > 0x7f && len(exponent) == 4 {
		return nil
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(modulus), E: int(new(big.Int).SetBytes(exponent).Int64())}
}

// ecKey refuses what is no point of the curve.
func ecKey(curve elliptic.Curve, x, y string) any {
	size := (curve.Params().BitSize + 7) / 8
	px, err := strictly.DecodeString(x)
	py, err2 := strictly.DecodeString(y)
	if err != nil || err2 != nil || len(px) != size || len(py) != size {
		return nil
	}
	public, err := ecdsa.ParseUncompressedPublicKey(curve, append(append([]byte{4}, px...), py...))
	if err != nil {
		return nil
	}
	return public
}
