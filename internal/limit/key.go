package limit

import (
	"hash/maphash"
	"net/netip"
)

// Key is whom a limit is for, in 16 bytes, whatever it was made of. The zero value is nobody's: those for whom a full table has
// no room share it.
type Key struct{ high, low uint64 }

// v4Mapped stands before an IPv4 address, as in RFC 4291, section 2.5.5.2.
const v4Mapped = 0xffff << 32

// AddressKey is the key of a client's address: IPv4 as it is; IPv6 by its first 64 bits, which is what one customer gets at
// least (RFC 6177), so that nobody has 2⁶⁴ addresses to come from.
func AddressKey(addr netip.Addr) Key {
	addr = addr.Unmap()
	b := addr.As16()
	high, low := uint64(0), uint64(0)
	for i := range 8 {
		high, low = high<<8|uint64(b[i]), low<<8|uint64(b[i+8])
	}
	if addr.Is4() {
		return Key{0, v4Mapped | low&0xffffffff}
	}
	return Key{high, 1}
}

var seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

// NameKey is the key of a name, such as a user's: 128 bits of a hash that nobody outside this process can foresee.
func NameKey(name string) Key {
	return Key{maphash.String(seeds[0], name), maphash.String(seeds[1], name) | 1} // never the zero Key
}
