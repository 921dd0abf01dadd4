package auth

import (
	"encoding/base64"
	"strings"
	"time"
)

// MaxTokenBytes bounds a token: four times what issuers give with a few grants.
const MaxTokenBytes = 8 << 10

// maxHeaderBytes bounds a token's decoded header.
const maxHeaderBytes = 1 << 10

// header is what counts of a token's header. All that would have us look for a key elsewhere (jwk, jku, x5u, x5c) is ignored.
type header struct{ algorithm, kid string }

// strictly is the encoding of a token's parts: no padding, no line breaks, no stray bits (RFC 7515, section 2).
var strictly = base64.RawURLEncoding.Strict()

// parts are a token's, the header read and the rest not yet.
type parts struct {
	header    header
	signed    string // what the signature is of
	payload   string // in base64
	signature []byte
}

// split takes a token apart as far as it takes to choose a key.
func split(token string) (p parts, failure *Error) {
	if len(token) > MaxTokenBytes {
		return p, refuse(ReasonTooLarge, "longer than 8 KiB")
	}
	malformed := refuse(ReasonMalformed, "want three parts in base64url with dots between")
	head, rest, _ := strings.Cut(token, ".")
	payload, signature, ok := strings.Cut(rest, ".")
	if !ok || head == "" || payload == "" || signature == "" || strings.ContainsAny(token, "\r\n") {
		return p, malformed
	}
	decoded, err := strictly.DecodeString(head)
	if err != nil || len(decoded) > maxHeaderBytes {
		return p, malformed
	}
	if p.signature, err = strictly.DecodeString(signature); err != nil { // a third dot is no base64url
		return p, malformed
	}
	p.payload, p.signed = payload, token[:len(head)+1+len(payload)]
	p.header, failure = readHeader(decoded)
	return p, failure
}

func readHeader(decoded []byte) (h header, failure *Error) {
	members, err := object(decoded)
	if err != nil {
		return h, refuse(ReasonMalformed, "header: "+err.Error())
	}
	for _, name := range []string{"crit", "b64", "zip", "enc"} { // they change what the signature is of, or demand to be understood
		if members[name] != nil {
			return h, refuse(ReasonMalformed, "header: "+name+" is not supported")
		}
	}
	var ok bool
	if h.algorithm, ok = text(members["alg"], 16); !ok {
		return h, refuse(ReasonMalformed, "header: alg must be a string")
	}
	if kid := members["kid"]; kid != nil {
		if h.kid, ok = text(kid, maxKIDSize); !ok {
			return h, refuse(ReasonMalformed, "header: kid must be a string of at most 128 bytes")
		}
	}
	return h, nil
}

// verify tells whether k has signed the token, and returns its decoded payload. The algorithm is the key's: what the token says
// may only be the same.
func (p *parts) verify(k *key, now time.Time) ([]byte, *Error) {
	switch {
	case k == nil:
		return nil, refuse(ReasonUnknownKey, "no key of that id")
	case !k.good(now):
		return nil, refuse(ReasonUnknownKey, "the key is not valid any more")
	case p.header.algorithm != k.algorithm:
		return nil, refuse(ReasonAlgorithm, "alg is not that of the key, "+k.algorithm)
	}
	if err := k.method.Verify(p.signed, p.signature, k.material); err != nil {
		return nil, refuse(ReasonSignature, "the signature is not that of the key")
	}
	payload, err := strictly.DecodeString(p.payload)
	if err != nil {
		return nil, refuse(ReasonMalformed, "the payload is not base64url")
	}
	return payload, nil
}
