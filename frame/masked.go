package frame

import "math"

// AppendMaskedFrames appends whole unmasked frames as a client sends them, each masked with a key of its own from key, which must give fresh and unpredictable ones (RFC 6455,
// section 10.3). It borrows frames. What is no whole frame is appended as it is: it is the peer's to judge.
func AppendMaskedFrames(dst, frames []byte, key func() [4]byte) []byte {
	var h header
	for len(frames) > 0 {
		if err := h.parse(frames, Client, math.MaxInt64); err != nil || h.size == 0 || int64(len(frames)-h.size) < h.length {
			break
		}
		end := h.size + int(h.length)
		k := key()
		dst = append(appendHeader(dst, h.first, maskBit, int(h.length)), k[:]...)
		start := len(dst)
		dst = append(dst, frames[h.size:end]...)
		Mask(dst[start:], k, 0)
		frames = frames[end:]
	}
	return append(dst, frames...)
}
