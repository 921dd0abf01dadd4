package frame

import (
	"bytes"
	"net/netip"
)

var (
	slashPath    = []byte("/")
	asteriskForm = []byte("*")
)

// parseTarget splits Target into Path and Query, and for the absolute form takes Host from it (RFC 9112, section 3.2).
// The authority form is refused: this is no proxy.
func (r *Request) parseTarget() *HandshakeError {
	target := r.Target
	if !all(target, classTarget) {
		return errTarget
	}
	if bytes.Equal(target, asteriskForm) {
		if string(r.Method) != "OPTIONS" {
			return errTarget
		}
		r.Path = target
		return nil
	}
	if target[0] != '/' {
		rest := cutScheme(target)
		if rest == nil {
			return errTarget
		}
		end := bytes.IndexAny(rest, "/?")
		if end < 0 {
			end = len(rest)
		}
		if _, _, ok := splitAuthority(rest[:end]); !ok {
			return errTarget
		}
		r.Host, target = rest[:end], rest[end:]
	}
	path, query, _ := bytes.Cut(target, []byte{'?'})
	if len(path) == 0 {
		path = slashPath
	}
	if !validEscapes(path) {
		return errTarget
	}
	r.Path, r.Query = path, query
	return nil
}

// cutScheme gives what follows http:// or https://, nil where target begins otherwise.
func cutScheme(target []byte) []byte {
	for _, scheme := range [...]string{"http://", "https://"} {
		if len(target) >= len(scheme) && equalFold(target[:len(scheme)], scheme) {
			return target[len(scheme):]
		}
	}
	return nil
}

// validEscapes reports whether each % stands before two hexadecimal digits. It is asked for paths only: queries are
// opaque here, and browsers do send a bare % in them.
func validEscapes(b []byte) bool {
	for {
		i := bytes.IndexByte(b, '%')
		if i < 0 {
			return true
		}
		if len(b) < i+3 || !all(b[i+1:i+3], classHex) {
			return false
		}
		b = b[i+3:]
	}
}

// splitAuthority checks host [":" port] (RFC 3986, section 3.2, without user information, percent-encoding, zones and
// future address forms) and splits it. port is nil where it is absent or empty; the brackets stay on an IPv6 address.
func splitAuthority(b []byte) (host, port []byte, ok bool) {
	host = b
	if len(b) > 0 && b[0] == '[' {
		end := bytes.IndexByte(b, ']')
		if end < 0 || !isIPv6(b[1:end]) {
			return nil, nil, false
		}
		host, b = b[:end+1], b[end+1:]
		if len(b) > 0 && b[0] != ':' {
			return nil, nil, false
		}
	} else {
		if colon := bytes.IndexByte(b, ':'); colon >= 0 {
			host = b[:colon]
		}
		if !all(host, classHost) {
			return nil, nil, false
		}
		b = b[len(host):]
	}
	if len(b) <= 1 {
		return host, nil, true
	}
	port = b[1:]
	if _, ok := portNumber(port); !ok {
		return nil, nil, false
	}
	return host, port, true
}

func isIPv6(b []byte) bool {
	address, err := netip.ParseAddr(string(b))
	return err == nil && address.Is6() && address.Zone() == ""
}

// portNumber reads a port of digits, at most 65535.
func portNumber(port []byte) (number int, ok bool) {
	if !all(port, classDigit) {
		return 0, false
	}
	for _, c := range port {
		number = number*10 + int(c-'0')
		if number > 65535 {
			return 0, false
		}
	}
	return number, true
}
