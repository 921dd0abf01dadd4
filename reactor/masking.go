package reactor

import (
	"crypto/rand"
	"encoding/binary"
	mathrand "math/rand/v2"
)

// maskingKey is a fresh one: from a strong generator with a strong seed (RFC 6455, section 10.3), because a call of the system for each frame would cost more than the frame.
func (l *loop) maskingKey() (key [4]byte) {
	if l.keys == nil {
		var seed [32]byte
		_, _ = rand.Read(seed[:]) // never fails
		l.keys = mathrand.NewChaCha8(seed)
	}
	binary.LittleEndian.PutUint32(key[:], uint32(l.keys.Uint64()))
	return key
}

// randomKey is one for a publication, which any goroutine encodes. Safe from any goroutine.
func randomKey() (key [4]byte) {
	_, _ = rand.Read(key[:]) // never fails
	return key
}
