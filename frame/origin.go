package frame

// Origin gives the value of the first Origin header and how many there are. More than one is never legal; none is
// what clients that are no browsers send (RFC 6455, section 10.2).
func (r *Request) Origin() (origin []byte, count int) { return r.fields.count("Origin") }

// SameOrigin reports whether an Origin header names the very server that host, a Host header, names: the scheme must
// be https with tls and http without, host name (in any ASCII case) and port must be equal. A port left out is the
// scheme's default. Anything that is no serialised origin (RFC 6454, section 6.2), such as "null" or one with user
// information, a path or a list, is not the same. Behind a proxy that ends TLS, tls is what the client speaks.
func SameOrigin(origin, host []byte, tls bool) bool {
	scheme, defaultPort := "http://", 80
	if tls {
		scheme, defaultPort = "https://", 443
	}
	if len(origin) < len(scheme) || !equalFold(origin[:len(scheme)], scheme) {
		return false
	}
	originName, originPort, ok := splitAuthority(origin[len(scheme):])
	if !ok {
		return false
	}
	hostName, hostPort, ok := splitAuthority(host)
	if !ok {
		return false
	}
	return equalFold(originName, hostName) &&
		portOr(originPort, defaultPort) == portOr(hostPort, defaultPort)
}

// portOr gives the number of a port that splitAuthority has checked, or absent's where it is nil.
func portOr(port []byte, absent int) int {
	if port == nil {
		return absent
	}
	number, _ := portNumber(port)
	return number
}
