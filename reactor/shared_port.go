package reactor

import (
	"errors"
	"net"
	"os"
)

// ErrNotShared says that the system has no ports that several processes accept on, with connections spread among them.
var ErrNotShared = errors.New("reactor: several processes can share a port on Linux only")

// SharedPort is a TCP port that several processes serve, one of which hands out sockets for it: SO_REUSEPORT, where the kernel spreads
// connections over the sockets that listen. The process that has made it holds the port, also while nobody listens.
//
// What a socket is handed to may end, and be replaced: as long as somebody has the socket open, what has connected waits in it.
type SharedPort struct{ reserved *reservedPort }

// ReservePort reserves the port of addr, host:port, which nobody else may have; port 0 picks a free one.
func ReservePort(addr string) (*SharedPort, error) {
	if !portsAreShared {
		return nil, ErrNotShared
	}
	reserved, err := reservePort(addr)
	if err != nil {
		return nil, err
	}
	return &SharedPort{reserved}, nil
}

// Addr is the address, with the port that was picked.
func (p *SharedPort) Addr() net.Addr { return p.reserved.addr }

// Socket makes one more socket that is bound to the port, and does not listen yet: give it to a process that calls ListenOn. It is closed on
// exec, as all that Go opens is, but for exec.Cmd's ExtraFiles. The caller closes it.
func (p *SharedPort) Socket() (*os.File, error) { return p.reserved.another() }

// Close gives the port back. Sockets go on. A second call does nothing.
func (p *SharedPort) Close() { p.reserved.release() }

// ListenOn begins to listen on a socket of a SharedPort, or goes on where another process has listened on it. The caller closes both: they
// are descriptors of their own.
func ListenOn(socket *os.File) (net.Listener, error) {
	if !portsAreShared {
		return nil, ErrNotShared
	}
	if err := listen(socket); err != nil {
		return nil, err
	}
	return net.FileListener(socket)
}
