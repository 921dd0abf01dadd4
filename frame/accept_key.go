package frame

import (
	"crypto/sha1"
	"encoding/base64"
)

// acceptGUID is joined to the key (RFC 6455, section 1.3).
const acceptGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// AppendAcceptKey appends the Sec-WebSocket-Accept that answers a Sec-WebSocket-Key: base64 of SHA-1 over key and
// GUID, 28 bytes (RFC 6455, section 4.2.2, item 5.4).
func AppendAcceptKey(dst, key []byte) []byte {
	var joined [keyBytes + len(acceptGUID)]byte
	sum := sha1.Sum(append(append(joined[:0], key...), acceptGUID...))
	return base64.StdEncoding.AppendEncode(dst, sum[:])
}

// NewClientKey makes a Sec-WebSocket-Key of 16 random octets, which must be fresh for each connection (RFC 6455,
// section 4.1, item 7).
func NewClientKey(random [16]byte) []byte {
	return base64.StdEncoding.AppendEncode(make([]byte, 0, keyBytes), random[:])
}
