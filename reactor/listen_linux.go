package reactor

import (
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// reservedPort is an address that nobody else can take until release.
type reservedPort struct {
	addr *net.TCPAddr
	fd   int
}

// reservePort finds out whether the address is free, picks a port if none is named, and keeps it: the loops open a
// listener each, with SO_REUSEPORT, which must all get the same one. A socket that is bound but does not listen gets no
// connections.
func reservePort(address string) (*reservedPort, error) {
	addr, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, err
	}
	if addr.Port != 0 {
		// With SO_REUSEPORT a second server of the same user would be let in silently, and each get half of the connections.
		probe, err := net.ListenTCP("tcp", addr)
		if err != nil {
			return nil, err
		}
		_ = probe.Close()
	}
	r := &reservedPort{}
	if err := r.bind(addr); err != nil {
		r.release()
		return nil, err
	}
	return r, nil
}

func (r *reservedPort) bind(addr *net.TCPAddr) (err error) {
	family, sa := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Port: addr.Port, Addr: [16]byte(addr.IP.To16())})
	if ip4 := addr.IP.To4(); ip4 != nil || addr.IP == nil {
		four := &unix.SockaddrInet4{Port: addr.Port}
		copy(four.Addr[:], ip4)
		family, sa = unix.AF_INET, four
	}
	if r.fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return os.NewSyscallError("socket", err)
	}
	for _, option := range []int{unix.SO_REUSEADDR, unix.SO_REUSEPORT} {
		if err := unix.SetsockoptInt(r.fd, unix.SOL_SOCKET, option, 1); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	if err := unix.Bind(r.fd, sa); err != nil {
		return os.NewSyscallError("bind", err)
	}
	bound, err := unix.Getsockname(r.fd)
	if err != nil {
		return os.NewSyscallError("getsockname", err)
	}
	r.addr = &net.TCPAddr{IP: addr.IP, Zone: addr.Zone}
	switch sa := bound.(type) {
	case *unix.SockaddrInet4:
		r.addr.Port = sa.Port
	case *unix.SockaddrInet6:
		r.addr.Port = sa.Port
	}
	return nil
}

func (r *reservedPort) release() {
	if r.fd > 0 {
		_ = unix.Close(r.fd)
	}
}
