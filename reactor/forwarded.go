package reactor

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/wsedge/wsedge/frame"
)

// The header lines by which a proxy tells of its client. They are no standard; RFC 7239 has one, which few proxies write.
const (
	forwardedFor   = "X-Forwarded-For"
	forwardedProto = "X-Forwarded-Proto"
)

// believeForwarded takes the peer's address from the request, if a trusted proxy has sent that. It reports whether the client
// spoke TLS, as far as is known.
func (c *Conn) believeForwarded(r *frame.Request) (tls bool) {
	s := c.loop.srv
	tls = c.overTLS()
	trusted := &s.cfg.TrustedProxies
	if trusted.nobody() {
		return tls
	}
	if !trusted.contains(c.peerAddr()) {
		return tls
	}
	if addr, ok := trusted.client(linesOf(r, forwardedFor)); ok {
		c.attach().announced = net.TCPAddrFromAddrPort(addr)
	}
	return saysTLS(linesOf(r, forwardedProto), tls)
}

func linesOf(r *frame.Request, name string) []string {
	var lines []string
	for value := range r.Values(name) {
		lines = append(lines, string(value))
	}
	return lines
}

// client walks the list of X-Forwarded-For from its end, where each proxy has written whom it got the request from, as long as
// those are trusted themselves. Several lines are one list. Whatever is no address ends the walk: nobody vouches for what
// stands before it. ok is false where the walk did not get to any address.
func (p *Peers) client(lines []string) (client netip.AddrPort, ok bool) {
	for _, line := range slices.Backward(lines) {
		for more := true; more; {
			element := line
			if i := strings.LastIndexByte(line, ','); i >= 0 {
				line, element = line[:i], line[i+1:]
			} else {
				more = false
			}
			addr, isAddr := parseForwarded(strings.Trim(element, " \t"))
			if !isAddr {
				return client, ok
			}
			client, ok = addr, true
			if !p.containsIP(addr.Addr()) {
				return client, ok
			}
		}
	}
	return client, ok
}

// parseForwarded reads an address, IPv6 with or without brackets, and a port if there is one; 0 is put for none.
func parseForwarded(s string) (netip.AddrPort, bool) {
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		s += ":0"
	}
	both, err := netip.ParseAddrPort(s)
	if err != nil {
		var addr netip.Addr
		addr, err = netip.ParseAddr(s)
		both = netip.AddrPortFrom(addr, 0)
	}
	if err != nil || both.Addr().Zone() != "" {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(both.Addr().Unmap(), both.Port()), true
}

// saysTLS reports what the one line of X-Forwarded-Proto says; otherwise, where there is none, several, or another word. Some proxies
// write ws and wss for WebSockets.
func saysTLS(lines []string, otherwise bool) bool {
	if len(lines) != 1 {
		return otherwise
	}
	switch strings.ToLower(lines[0]) {
	case "https", "wss":
		return true
	case "http", "ws":
		return false
	}
	return otherwise
}

// describeClient puts into Request.RemoteAddr whom a trusted proxy names as its client.
func (s *Server) describeClient(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.byTrustedProxy(r) {
			if addr, ok := s.cfg.TrustedProxies.client(r.Header.Values(forwardedFor)); ok {
				r.RemoteAddr = addr.String()
			}
		}
		next.ServeHTTP(w, r)
	})
}

// byTrustedProxy reports whether a trusted proxy is at the other end of the connection that r came over, which the loops have
// handed over.
func (s *Server) byTrustedProxy(r *http.Request) bool {
	c, ok := r.Context().Value(ownConnKey{}).(*httpConn)
	return ok && c.srv == s && s.cfg.TrustedProxies.contains(c.RemoteAddr())
}

// ClientTLS reports whether the client that sent r spoke TLS: to the server whose Config.HTTP is asked or, as the
// X-Forwarded-Proto of one of its Config.TrustedProxies says, to that. It is what an Origin is to be compared by. For requests
// that came to other servers it goes by r.TLS. Safe from any goroutine.
func ClientTLS(r *http.Request) bool {
	tls := r.TLS != nil
	if c, ok := r.Context().Value(ownConnKey{}).(*httpConn); ok && c.srv.byTrustedProxy(r) {
		return saysTLS(r.Header.Values(forwardedProto), tls)
	}
	return tls
}
