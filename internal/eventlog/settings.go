package eventlog

import (
	"fmt"
	"net"
	"net/netip"
)

// Settings say what is written, and where. The zero value writes nothing.
type Settings struct {
	Push   Push
	Access Access
}

// Push is the push log's part.
type Push struct {
	Enabled bool
	// File is where lines go, as JSON; it is made if need be, and appended to. "": to the main log.
	File string
	// Every has one of so many publications written, and all that fail. Default 1.
	Every int
	// Data is what is told of a publication's data. Default DataSize. Danger: DataHead writes contents, and a hash of what can be guessed
	// tells it as well.
	Data Data
	// HeadBytes is how much of it, with DataHead. Default 64, at most MaxHeadBytes.
	HeadBytes int
}

// Access is the access log's part.
type Access struct {
	Enabled bool
	// File is as that of Push.
	File string
	// Connections has the ends of connections written, too; it takes some 40 B for each.
	Connections bool
	// Address is how much of clients' addresses is written. Default AddressFull.
	Address Address
}

// MaxHeadBytes is the most that Push.HeadBytes may be.
const MaxHeadBytes = 1024

// Data is what the push log tells of data.
type Data string

// What there is of Data.
const (
	DataNone Data = "none"
	DataSize Data = "size" // how many bytes
	DataHash Data = "hash" // that, and the first 16 hexadecimal digits of their SHA-256
	DataHead Data = "head" // that, and the first of them
)

// Address is how much of an address is told.
type Address string

// What there is of Address.
const (
	AddressFull   Address = "full"
	AddressSubnet Address = "subnet" // the /24 of IPv4, the /48 of IPv6
	AddressNone   Address = "none"
)

// WithDefaults fills what is zero, and tells all that is wrong with the rest.
func (s Settings) WithDefaults() (Settings, []error) {
	var problems []error
	if s.Push.Every == 0 {
		s.Push.Every = 1
	}
	if s.Push.Every < 0 {
		problems = append(problems, fmt.Errorf("push log: one of %d publications: want 1 or more", s.Push.Every))
	}
	if s.Push.HeadBytes == 0 {
		s.Push.HeadBytes = 64
	}
	if s.Push.HeadBytes < 0 || s.Push.HeadBytes > MaxHeadBytes {
		problems = append(problems, fmt.Errorf("push log: %d bytes of the data: want 1 to %d", s.Push.HeadBytes, MaxHeadBytes))
	}
	switch s.Push.Data {
	case "":
		s.Push.Data = DataSize
	case DataNone, DataSize, DataHash, DataHead:
	default:
		problems = append(problems, fmt.Errorf("push log: data %q: want none, size, hash or head", s.Push.Data))
	}
	switch s.Access.Address {
	case "":
		s.Access.Address = AddressFull
	case AddressFull, AddressSubnet, AddressNone:
	default:
		problems = append(problems, fmt.Errorf("access log: address %q: want full, subnet or none", s.Access.Address))
	}
	return s, problems
}

// of writes an address without its port; "" for what has none, or shall not be written.
func (a Address) of(address net.Addr) string {
	if address == nil || a == AddressNone {
		return ""
	}
	if address.Network() == "unix" {
		return "unix"
	}
	port, err := netip.ParseAddrPort(address.String())
	if err != nil {
		return ""
	}
	ip := port.Addr().Unmap()
	if a != AddressSubnet {
		return ip.String()
	}
	bits := 48
	if ip.Is4() {
		bits = 24
	}
	prefix, err := ip.WithZone("").Prefix(bits)
	if err != nil {
		return ""
	}
	return prefix.String()
}
