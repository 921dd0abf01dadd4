package reactor

import "net"

// Newcomers counts the sockets that are no WebSockets: from the moment that one is accepted, or its proxy has announced it by the
// PROXY protocol, until it becomes a WebSocket or ends. Requests that net/http serves belong to it. The peers that TrustedProxies
// names, behind each of which there are many, and those that are refused at the cap anyway, do not. Its methods are called on
// the loops and from other goroutines, and must not block.
type Newcomers interface {
	// Enter counts one more socket of the address, or returns false: then it is hung up on, and counted as refused for
	// address_sockets.
	Enter(address net.Addr) bool
	// Leave takes back what Enter has counted, once.
	Leave(address net.Addr)
}

// enterNewcomer tells whether the conn may stay.
func (c *Conn) enterNewcomer() bool {
	s := c.loop.srv
	if s.cfg.Newcomers == nil || c.flags&flagRefusal != 0 || s.cfg.TrustedProxies.contains(c.peerAddr()) {
		return true
	}
	if !s.cfg.Newcomers.Enter(c.peerAddr()) {
		s.counters.refusal("address_sockets")
		return false
	}
	c.flags |= flagNewcomer
	return true
}

func (c *Conn) leaveNewcomer() {
	if c.flags&flagNewcomer != 0 {
		c.flags &^= flagNewcomer
		c.loop.srv.cfg.Newcomers.Leave(c.peerAddr())
	}
}
