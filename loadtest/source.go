package loadtest

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
)

// connsPerSource is how many connections share one local address where we choose it. The usual range of local ports has
// 28,232; with a third of it the kernel finds a free one at once.
const connsPerSource = 9000

// loopbackSources are what connections to a loopback IPv4 target may come from.
var loopbackSources = netip.MustParsePrefix("127.0.0.1/8")

// ParseSources reads local addresses: a comma-separated list of addresses and CIDR ranges, all of one family.
func ParseSources(list string) ([]netip.Prefix, error) {
	var sources []netip.Prefix
	for _, item := range strings.Split(list, ",") {
		item = strings.TrimSpace(item)
		prefix, err := netip.ParsePrefix(item)
		if err != nil {
			addr, addrErr := netip.ParseAddr(item)
			if addrErr != nil {
				return nil, fmt.Errorf("source %q is neither an address nor a CIDR range", item)
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		if len(sources) > 0 && sources[0].Addr().Is4() != prefix.Addr().Is4() {
			return nil, fmt.Errorf("source %q is of another family than %s", item, sources[0])
		}
		sources = append(sources, prefix)
	}
	return sources, nil
}

// sourceRing gives connection number i its local address.
type sourceRing struct {
	prefixes []netip.Prefix
	total    uint64 // addresses in all prefixes; 0 leaves the choice to the system
	spread   uint64 // use only so many of them; 0: all
}

// ParseNodes reads addresses of nodes: IP:PORT, with commas between them.
func ParseNodes(list string) (nodes []netip.AddrPort, err error) {
	for item := range strings.SplitSeq(list, ",") {
		node, err := netip.ParseAddrPort(strings.TrimSpace(item))
		if err != nil || node.Port() == 0 {
			return nil, fmt.Errorf("node %q: want IP:PORT, such as 10.0.0.2:8080 or [::1]:8080", item)
		}
		nodes = append(nodes, node)
	}
	return nodes, nil
}

// newSourceRing takes the run's sources, or chooses some of 127.0.0.0/8 for a loopback IPv4 target.
func newSourceRing(sources []netip.Prefix, to netip.Addr, conns int) sourceRing {
	r := sourceRing{prefixes: sources}
	if len(sources) == 0 && to.Is4() && to.IsLoopback() {
		r.prefixes = []netip.Prefix{loopbackSources}
		r.spread = uint64((conns + connsPerSource - 1) / connsPerSource)
	}
	for _, p := range r.prefixes {
		r.total += prefixSize(p)
	}
	return r
}

// at returns the local address of connection i; the zero Addr leaves it to the system.
func (r sourceRing) at(i int) netip.Addr {
	if r.total == 0 {
		return netip.Addr{}
	}
	n := uint64(i) % r.total
	if r.spread > 0 {
		n = uint64(i) % min(r.spread, r.total)
	}
	for _, p := range r.prefixes {
		if size := prefixSize(p); n >= size {
			n -= size
			continue
		}
		return addrPlus(p.Addr(), n)
	}
	return netip.Addr{}
}

// prefixSize is the number of addresses from the one written down to the end of its range, but at most 2^32: 10.0.0.5/24
// stands for 10.0.0.5 to 10.0.0.255.
func prefixSize(p netip.Prefix) uint64 {
	bits := p.Addr().BitLen() - p.Bits()
	if bits >= 32 {
		return 1 << 32
	}
	return 1<<bits - lowBits(p.Addr())&(1<<bits-1)
}

func lowBits(a netip.Addr) uint64 {
	raw := a.As16()
	return uint64(binary.BigEndian.Uint32(raw[12:]))
}

// addrPlus adds n to the last 32 bits.
func addrPlus(a netip.Addr, n uint64) netip.Addr {
	raw := a.As16()
	binary.BigEndian.PutUint32(raw[12:], binary.BigEndian.Uint32(raw[12:])+uint32(n))
	sum := netip.AddrFrom16(raw)
	if a.Is4() {
		return sum.Unmap()
	}
	return sum
}
