package edge

import (
	"net"

	"github.com/wsedge/wsedge/internal/limit"
	"github.com/wsedge/wsedge/reactor"
)

// minNewcomers is how many sockets that are no WebSockets an address may have, however few WebSockets: a browser has six connections
// to a host, and whoever reconnects may have some that linger.
const minNewcomers = 64

// nodeKey is the one key of the rate that all handshakes share.
var nodeKey = limit.NameKey("node")

// newcomers holds the sockets that are no WebSockets to a bound for each address, as reactor.Newcomers: those that never send a head,
// handshakes, plain HTTP.
type newcomers struct{ limiter *limiter }

// newcomers is nil where addresses are not limited.
func (m *limiter) newcomers() reactor.Newcomers {
	if m.limits().ConnsPerAddress == 0 {
		return nil
	}
	return newcomers{m}
}

// Enter implements reactor.Newcomers.
func (n newcomers) Enter(address net.Addr) bool {
	key, ok := keyOf(address)
	return !ok || n.limiter.sockets.Take(key, max(n.limiter.limits().ConnsPerAddress, minNewcomers))
}

// Leave implements reactor.Newcomers.
func (n newcomers) Leave(address net.Addr) {
	if key, ok := keyOf(address); ok {
		n.limiter.sockets.Give(key)
	}
}
