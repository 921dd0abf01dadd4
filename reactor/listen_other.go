//go:build !linux

package reactor

import (
	"net"
	"os"
)

// reservedPort is an address that was free a moment ago.
type reservedPort struct{ addr *net.TCPAddr }

// reservePort finds out whether the address is free and picks a port if none is named. Without SO_REUSEPORT in the engine,
// which it has on Linux only, the port cannot be kept until the engine has it.
func reservePort(address string) (*reservedPort, error) {
	addr, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, err
	}
	probe, err := net.ListenTCP("tcp", addr)
	if err != nil {
		return nil, err
	}
	defer probe.Close()
	return &reservedPort{&net.TCPAddr{IP: addr.IP, Zone: addr.Zone, Port: probe.Addr().(*net.TCPAddr).Port}}, nil
}

func (*reservedPort) release() {}

// portsAreShared: one of the sockets that listen on a port would get all connections.
const portsAreShared = false

func (*reservedPort) another() (*os.File, error) { return nil, ErrNotShared }

func listen(*os.File) error { return ErrNotShared }
