package reactor

import (
	"errors"
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

// bind binds a socket that does not listen. The unspecified address, written as ":8080" or "[::]:8080", is both families;
// on a machine without IPv6 the first is IPv4.
func (r *reservedPort) bind(addr *net.TCPAddr) error {
	switch ip4 := addr.IP.To4(); {
	case ip4 != nil:
		r.addr = &net.TCPAddr{IP: ip4}
		return r.bindSocket(unix.AF_INET, &unix.SockaddrInet4{Port: addr.Port, Addr: [4]byte(ip4)})
	case addr.IP == nil || addr.IP.IsUnspecified():
		r.addr = &net.TCPAddr{IP: net.IPv6unspecified}
		err := r.bindSocket(unix.AF_INET6, &unix.SockaddrInet6{Port: addr.Port})
		if errors.Is(err, unix.EAFNOSUPPORT) && addr.IP == nil {
			return r.bind(&net.TCPAddr{IP: net.IPv4zero, Port: addr.Port})
		}
		return err
	}
	r.addr = &net.TCPAddr{IP: addr.IP, Zone: addr.Zone}
	sa := &unix.SockaddrInet6{Port: addr.Port, Addr: [16]byte(addr.IP)}
	if zone, err := net.InterfaceByName(addr.Zone); addr.Zone != "" && err == nil {
		sa.ZoneId = uint32(zone.Index)
	}
	return r.bindSocket(unix.AF_INET6, sa)
}

func (r *reservedPort) bindSocket(family int, sa unix.Sockaddr) (err error) {
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
	switch sa := bound.(type) {
	case *unix.SockaddrInet4:
		r.addr.Port = sa.Port
	case *unix.SockaddrInet6:
		r.addr.Port = sa.Port
	}
	return nil
}

// release may be called again: the number is somebody else's by then.
func (r *reservedPort) release() {
	if r.fd > 0 {
		_ = unix.Close(r.fd)
	}
	r.fd = 0
}

// portsAreShared: connections are spread over the sockets that listen on a port.
const portsAreShared = true

// another binds one more socket to the port. It is left blocking: who has it later makes it what they need, for all who have it.
func (r *reservedPort) another() (*os.File, error) {
	more := &reservedPort{}
	if err := more.bind(r.addr); err != nil {
		more.release()
		return nil, err
	}
	return os.NewFile(uintptr(more.fd), "tcp:"+r.addr.String()), nil
}

// mostBacklog is more than net.core.somaxconn, which bounds it, is anywhere.
const mostBacklog = 1<<16 - 1

// listen has a socket listen. It may do so already.
func listen(socket *os.File) error {
	raw, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	if control := raw.Control(func(fd uintptr) { err = os.NewSyscallError("listen", unix.Listen(int(fd), mostBacklog)) }); control != nil {
		return control
	}
	return err
}
