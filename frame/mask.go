package frame

import (
	"encoding/binary"
	"math/bits"
)

// Mask masks or unmasks b in place: octet i is XORed with key[(pos+i) mod 4] (RFC 6455, section 5.3). pos is how many
// octets of the payload came before b (any number >= 0); the result, 0 to 3, is the pos for what follows b.
func Mask(b []byte, key [4]byte, pos int) int {
	maskWord(b, rotateKey(binary.LittleEndian.Uint32(key[:]), pos))
	return (pos + len(b)) & 3
}

// rotateKey turns a little-endian masking key so that its lowest octet is the one for payload octet n.
func rotateKey(key uint32, n int) uint32 { return bits.RotateLeft32(key, -8*(n&3)) }

// maskWord XORs b with the little-endian key and returns the key for what follows b. Keeping the turned key instead
// of key and position makes carrying on in the next chunk free.
func maskWord(b []byte, key uint32) uint32 {
	next := rotateKey(key, len(b))
	k := uint64(key)<<32 | uint64(key)
	for len(b) >= 64 {
		block := (*[64]byte)(b) // one bounds check for eight words
		xor8(block[0:8], k)
		xor8(block[8:16], k)
		xor8(block[16:24], k)
		xor8(block[24:32], k)
		xor8(block[32:40], k)
		xor8(block[40:48], k)
		xor8(block[48:56], k)
		xor8(block[56:64], k)
		b = b[64:]
	}
	for len(b) >= 8 {
		xor8(b, k)
		b = b[8:]
	}
	if len(b) >= 4 {
		binary.LittleEndian.PutUint32(b, binary.LittleEndian.Uint32(b)^key)
		b = b[4:]
	}
	for i := range b {
		b[i] ^= byte(key >> (8 * i))
	}
	return next
}

func xor8(b []byte, k uint64) { binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^k) }
