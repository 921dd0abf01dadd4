package jetstream

import (
	"fmt"
	"strconv"
	"strings"
)

// emptyToken stands for a part of a name that is empty. No other is encoded like that.
const emptyToken = "~"

// subjectDepth is how many tokens of a subject a channel's name has at most: servers keep a map for each token of a subscription, and a name may have 254 colons.
const subjectDepth = 16

// subjectOf encodes a channel's name as the end of a subject, different names differently: each part between colons is a token, so that all names that begin
// alike have one pattern. Colons beyond subjectDepth stay in the last token.
func subjectOf(name string) string {
	if strings.IndexByte(name, ':') < 0 {
		return token(name)
	}
	parts := strings.SplitN(name, ":", subjectDepth)
	for i, part := range parts {
		if parts[i] = token(part); part == "" {
			parts[i] = emptyToken
		}
	}
	return strings.Join(parts, ".")
}

// coverOf is the pattern of the subjects of all names that begin with prefix, which ends with a colon. Where that is beyond subjectDepth, it is that of others, too.
func coverOf(prefix string) string {
	parts := strings.SplitN(prefix, ":", subjectDepth)
	return subjectOf(strings.Join(parts[:len(parts)-1], ":")) + ".>"
}

// nameOf undoes subjectOf. It is false for what that does not make.
func nameOf(subject string) (name string, ok bool) {
	parts := strings.Split(subject, ".")
	for i, part := range parts {
		if part == emptyToken && len(parts) > 1 {
			parts[i] = ""
		} else if parts[i], ok = untoken(part); !ok {
			return "", false
		}
	}
	name = strings.Join(parts, ":")
	return name, subjectOf(name) == subject
}

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

// untoken undoes token. It is false where something else follows a tilde than that writes.
func untoken(token string) (name string, ok bool) {
	if !strings.ContainsAny(token, "%~") {
		return token, true
	}
	var b strings.Builder
	for i := 0; i < len(token); i++ {
		switch c := token[i]; c {
		case '%':
			b.WriteByte('.')
		case '~':
			code, err := strconv.ParseUint(token[i+1:min(i+3, len(token))], 16, 8)
			if err != nil || i+3 > len(token) {
				return "", false
			}
			b.WriteByte(byte(code))
			i += 2
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), true
}

// isPlain tells whether a byte stands for itself.
func isPlain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(":_-#@", c) >= 0
}
