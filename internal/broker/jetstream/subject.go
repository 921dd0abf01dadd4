package jetstream

import (
	"fmt"
	"strings"
)

// defaultToken stands for the namespace of channels without one. No name is encoded like that.
const defaultToken = "~"

// token encodes a name as one token of a NATS subject, or as a part of a stream's name; different names differently. Names of channels have dots,
// which would begin another token; everything else that they may have stays as it is, capitals included.
func token(name string) string {
	plain := true
	for i := range len(name) {
		plain = plain && isPlain(name[i])
	}
	if plain {
		return name
	}
	var b strings.Builder
	for i := range len(name) {
		switch c := name[i]; {
		case isPlain(c):
			b.WriteByte(c)
		case c == '.':
			b.WriteByte('%')
		default:
			fmt.Fprintf(&b, "~%02X", c)
		}
	}
	return b.String()
}

// isPlain tells whether a byte stands for itself.
func isPlain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(":_-#@", c) >= 0
}

// namespaceToken is likewise for a namespace; "" for the default one.
func namespaceToken(namespace string) string {
	if namespace == "" {
		return defaultToken
	}
	return token(namespace)
}
