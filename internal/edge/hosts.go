package edge

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/reactor"
)

// hosts says which Host headers are served. Without authentication, a page of any site could rebind its own name to this
// server's address and would be of the same origin: so only names that nobody else can own are served.
type hosts struct {
	any  bool   // the operator has opened the server to everybody, or it asks everybody who they are
	addr string // the host that was asked to be listened on, lower case; "" on a Unix socket
}

func newHosts(cfg *Config) hosts {
	host, _, err := net.SplitHostPort(cfg.Addr)
	if err != nil || reactor.IsUnix(cfg.Addr) {
		host = "" // who comes by a proxy comes by the proxy's name, and so needs InsecurePublic unless that is a loopback one
	}
	return hosts{any: cfg.InsecurePublic || cfg.Auth != nil, addr: strings.ToLower(host)}
}

// allow tells whether a Host header's value is served: a loopback name or address, or the host listened on, with any port.
func (h hosts) allow(host string) bool {
	if h.any {
		return true
	}
	name := strings.ToLower(host)
	if withoutPort, _, err := net.SplitHostPort(name); err == nil {
		name = withoutPort
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	return name != "" && (name == h.addr || isLoopback(name))
}

// isLoopback tells whether a host, without port and brackets, can only mean this machine: RFC 6761, section 6.3 for names.
func isLoopback(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// guard answers what comes under a foreign name with 403, and so what a page of a foreign origin sends to change something.
// Health checks are exempt: who probes an address may call it what they want.
func (h hosts) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" || r.URL.Path == "/readyz" {
			next.ServeHTTP(w, r)
			return
		}
		if !h.allow(r.Host) {
			http.Error(w, "foreign_host", http.StatusForbidden)
			return
		}
		if changes(r.Method) && !sameOrigin(r) {
			http.Error(w, "foreign_origin", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func changes(method string) bool {
	return method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions
}

// sameOrigin accepts a request without Origin, which no browser sends for a POST.
func sameOrigin(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	return len(origins) == 0 || len(origins) == 1 && frame.SameOrigin([]byte(origins[0]), []byte(r.Host), reactor.ClientTLS(r))
}
