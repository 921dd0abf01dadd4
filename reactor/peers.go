package reactor

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// Peers names who may be at the other end of a socket. The zero value names nobody.
type Peers struct {
	// Networks are those of TCP peers. IPv4 is written as IPv4, and means the peers of listeners for both families, too.
	Networks []netip.Prefix
	// Unix names all peers on a Unix socket: who they are is for the mode of its file to say.
	Unix bool
}

// ParsePeers reads a list such as "10.0.0.0/8,2001:db8::1,unix": networks, single addresses, and the word for peers on a Unix
// socket. The error names the first member that is neither.
func ParsePeers(list string) (Peers, error) {
	var p Peers
	for member := range strings.SplitSeq(list, ",") {
		member = strings.TrimSpace(member)
		if member == "unix" {
			p.Unix = true
			continue
		}
		network, err := parseNetwork(member)
		if err != nil {
			return Peers{}, fmt.Errorf("%q: want a network such as 10.0.0.0/8, an address, or unix", member)
		}
		p.Networks = append(p.Networks, network)
	}
	return p, nil
}

func parseNetwork(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		return netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()), nil
	}
	network, err := netip.ParsePrefix(s)
	if err == nil {
		err = checkNetwork(network)
	}
	return network, err
}

// checkNetwork refuses what would never match, or not as it reads.
func checkNetwork(p netip.Prefix) error {
	switch {
	case !p.IsValid():
		return fmt.Errorf("%v: no network", p)
	case p.Addr().Is4In6():
		return fmt.Errorf("%v: write IPv4 as IPv4", p)
	case p != p.Masked():
		return fmt.Errorf("%v: has bits behind its length; %v?", p, p.Masked())
	}
	return nil
}

// String is what ParsePeers reads; "" for nobody.
func (p Peers) String() string {
	members := make([]string, 0, len(p.Networks)+1)
	for _, network := range p.Networks {
		members = append(members, network.String())
	}
	if p.Unix {
		members = append(members, "unix")
	}
	return strings.Join(members, ",")
}

// nobody reports whether p names nobody.
func (p *Peers) nobody() bool { return len(p.Networks) == 0 && !p.Unix }

// check reports what is wrong with p.
func (p *Peers) check(field string, wrong complaint) {
	for _, network := range p.Networks {
		if err := checkNetwork(network); err != nil {
			wrong(field, "%w", err)
		}
	}
}

// contains reports whether p names the peer with that address.
func (p *Peers) contains(addr net.Addr) bool {
	switch addr := addr.(type) {
	case *net.UnixAddr:
		return p.Unix
	case *net.TCPAddr:
		ip, ok := netip.AddrFromSlice(addr.IP)
		return ok && p.containsIP(ip)
	}
	return false
}

func (p *Peers) containsIP(ip netip.Addr) bool {
	ip = ip.Unmap()
	return slices.ContainsFunc(p.Networks, func(network netip.Prefix) bool { return network.Contains(ip) })
}
