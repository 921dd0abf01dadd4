package frame

import (
	"bytes"
	"encoding/base64"
	"iter"
)

const (
	// keyBytes is the length of a Sec-WebSocket-Key: base64 of 16 octets.
	keyBytes = 24

	// maxSubprotocols bounds the offers of one request, because telling duplicates takes quadratic time.
	maxSubprotocols = 128
)

// strictBase64 refuses padding bits other than 0, so that each key has one spelling.
var strictBase64 = base64.StdEncoding.Strict()

// WantsUpgrade reports whether an Upgrade header has the token websocket: the request asks for a WebSocket, rightly or
// not, and CheckUpgrade tells which. All others are plain HTTP.
func (r *Request) WantsUpgrade() bool { return r.fields.hasToken("Upgrade", "websocket") }

// CheckUpgrade checks everything that a client's opening handshake must have (RFC 6455, section 4.2.1) and gives its
// Sec-WebSocket-Key for AppendSwitchingProtocols, a view of the head. err is a *HandshakeError: 405 for the method,
// 505 for HTTP/1.0, 426 for a missing upgrade or another WebSocket version, 417 for an expectation, otherwise 400.
// Origin, path and access are for the caller to judge.
func (r *Request) CheckUpgrade() (key []byte, err error) {
	if failure := r.checkUpgradeHead(); failure != nil {
		return nil, failure
	}
	key, count := r.fields.count("Sec-WebSocket-Key")
	if count != 1 || !validKey(key) {
		return nil, errKey
	}
	if !r.validSubprotocols() {
		return nil, errSubprotocol
	}
	if !validExtensions(r.fields) {
		return nil, errExtension
	}
	return key, nil
}

// checkUpgradeHead checks the headers that have one legal value.
func (r *Request) checkUpgradeHead() *HandshakeError {
	switch {
	case string(r.Method) != "GET":
		return errNotGet
	case r.Minor < 1:
		return errHTTPVersion
	case !r.WantsUpgrade():
		return errNoUpgrade
	case !r.fields.hasToken("Connection", "upgrade"):
		return errNoConnection
	case r.hasBody():
		return errBody
	case r.Get("Expect") != nil:
		return errExpect
	}
	version, count := r.fields.count("Sec-WebSocket-Version")
	switch {
	case count > 1:
		return errVersionRepeated
	case string(version) != "13":
		return errVersion
	}
	return nil
}

// hasBody reports whether bytes of a body follow, which would be taken for frames.
func (r *Request) hasBody() bool {
	if r.Get("Transfer-Encoding") != nil {
		return true
	}
	for _, c := range r.Get("Content-Length") {
		if c != '0' {
			return true
		}
	}
	return false
}

// validKey reports whether key is the canonical base64 of 16 octets.
func validKey(key []byte) bool {
	if len(key) != keyBytes {
		return false
	}
	var nonce [18]byte // what the decoder asks for; 16 are used
	n, err := strictBase64.Decode(nonce[:], key)
	return err == nil && n == 16
}

// Subprotocols goes over the subprotocols that the client offers, in order of preference, over all lines of
// Sec-WebSocket-Protocol (RFC 6455, section 11.3.4). After a CheckUpgrade without error they are distinct tokens.
func (r *Request) Subprotocols() iter.Seq[string] {
	return func(yield func(string) bool) {
		for element := range r.fields.elements("Sec-WebSocket-Protocol") {
			if !yield(string(element)) {
				return
			}
		}
	}
}

// validSubprotocols reports whether the offers are tokens, none empty and none twice (RFC 6455, section 4.1, item 10).
func (r *Request) validSubprotocols() bool {
	var seen [maxSubprotocols][]byte
	count := 0
	for element := range r.fields.elements("Sec-WebSocket-Protocol") {
		if count == maxSubprotocols || !all(element, classToken) {
			return false
		}
		for _, other := range seen[:count] {
			if bytes.Equal(other, element) {
				return false
			}
		}
		seen[count] = element
		count++
	}
	return true
}
