package tlsloop

import "github.com/wsedge/wsedge/tlsloop/record"

const (
	// maxHelloRecords is in how many records a ClientHello may come before crypto/tls has to judge it unfinished.
	maxHelloRecords = 16
	helloHeaderLen  = 4        // type and length of a handshake message
	maxHello        = 64 << 10 // of its body, as crypto/tls has it
)

// wholeHello says whether in begins with a ClientHello that is whole, or with something that won't become one.
func wholeHello(in []byte) bool {
	want, have := helloHeaderLen, 0
	var head []byte
	for range maxHelloRecords {
		if len(in) < record.HeaderLen {
			return false
		}
		if in[0] != typeHandshake {
			return true
		}
		n := record.Length(in, maxCiphertext12)
		if n > len(in) {
			return false
		}
		if n == record.HeaderLen {
			return true // empty, or too long
		}
		if len(head) < helloHeaderLen {
			head = append(head, in[record.HeaderLen:min(n, record.HeaderLen+helloHeaderLen)]...)
			if len(head) >= helloHeaderLen {
				want = helloHeaderLen + int(head[1])<<16 + int(head[2])<<8 + int(head[3])
			}
		}
		have += n - record.HeaderLen
		in = in[n:]
		if len(head) >= helloHeaderLen && have >= want || want > helloHeaderLen+maxHello {
			return true
		}
	}
	return true
}
