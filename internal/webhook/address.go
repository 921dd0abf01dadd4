package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// errAddress says that the backend's name leads to where requests must not go.
var errAddress = errors.New("webhook: address is not allowed")

// notPublic are the networks that no public backend is in, beyond those that netip knows: the IANA registries of special-purpose
// addresses (RFC 6890) for IPv4 and IPv6. Of IPv6 only 2000::/3 is given out at all; what is in it and leads to IPv4 (6to4, Teredo)
// is no way around the rules for that.
var notPublic = prefixes("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
	"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")

var globalUnicast6 = netip.MustParsePrefix("2000::/3")

func prefixes(texts ...string) (list []netip.Prefix) {
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

// isPublic tells whether an address may be a public backend's.
func isPublic(ip netip.Addr) bool {
	ip = ip.Unmap()
	if ip.Is6() && (ip.Zone() != "" || !globalUnicast6.Contains(ip)) {
		return false
	}
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !within(notPublic, ip)
}

func within(nets []netip.Prefix, ip netip.Addr) bool {
	return slices.ContainsFunc(nets, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// guard decides on every connection, when the name has been resolved and before a packet is sent: what DNS said earlier, or
// says to somebody else, does not count.
type guard struct {
	nets  []netip.Prefix // allowed besides public ones
	plain bool           // http: public ones are not
}

func (g *guard) allows(ip netip.Addr) bool {
	return within(g.nets, ip.Unmap()) || !g.plain && isPublic(ip)
}

// control implements net.Dialer's ControlContext.
func (g *guard) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !g.allows(at.Addr()) {
		return errAddress
	}
	return nil
}

// checkURL tells what is wrong with a backend's URL, as far as that shows without resolving it.
func checkURL(text string, nets []netip.Prefix) error {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return errors.New("is none") // the parser's error would repeat a password that stands in it
	case u.Scheme != "https" && u.Scheme != "http":
		return errors.New("must begin with https:// or http://")
	case u.User != nil:
		return errors.New("must not hold a user or password")
	case u.Fragment != "":
		return errors.New("must not have a fragment")
	case u.Hostname() == "":
		return errors.New("has no host")
	case u.Scheme == "http" && len(nets) == 0:
		return errors.New("must begin with https://, unless networks are allowed by name: requests hold tokens and data")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return fmt.Errorf("has port %q", port)
		}
	}
	return checkHost(u.Hostname(), &guard{nets: nets, plain: u.Scheme == "http"})
}

// checkHost refuses addresses that are not allowed, and the old ways to write one (2130706433, 0x7f.1, 0177.0.0.1), which some
// resolvers still understand.
func checkHost(host string, g *guard) error {
	if ip, err := netip.ParseAddr(host); err == nil {
		if !g.allows(ip) {
			return fmt.Errorf("leads to %s, which is not public: allow it by name, if you mean it", ip)
		}
		return nil
	}
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	last := strings.ToLower(labels[len(labels)-1])
	if last == "" || strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x") {
		return fmt.Errorf("has host %q, which is neither a name nor an address", host)
	}
	return nil
}

// dialer connects to allowed addresses only.
func (g *guard) dialer(resolver *net.Resolver) *net.Dialer {
	return &net.Dialer{ControlContext: g.control, Resolver: resolver}
}
