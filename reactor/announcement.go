package reactor

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"net"

	"github.com/pires/go-proxyproto"
)

// The PROXY protocol, version 2 (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt, section 2.2): a proxy announces
// whom it has a connection from by a header before anything else, TLS included.
//
//	| signature, 12 bytes | version 2 and command | family and transport | length, 2 bytes | addresses, and more |
const (
	announcementFixed = 16
	// maxAnnouncement is far above what proxies send, 28 or 52 bytes and a few of extensions.
	maxAnnouncement = announcementFixed + 1024
)

// errAnnouncement: the peer was to begin with a header of the PROXY protocol, version 2, and sent something else.
var errAnnouncement = errors.New("reactor: no header of the PROXY protocol, version 2")

// awaitsAnnouncement tells that what comes must be a header of the PROXY protocol.
func (c *Conn) awaitsAnnouncement() bool {
	return c.flags&flagUnannounced != 0 && c.state == stateHandshaking
}

// takeAnnouncement takes the header off the conn's first input. It returns what is behind it; nothing before it is whole.
func (c *Conn) takeAnnouncement(in []byte) []byte {
	l := c.loop
	a := l.announced[c]
	rest, addr, err := a.feed(in)
	if err != nil {
		c.refuseAnnouncement()
		return nil
	}
	if len(a) > 0 {
		l.announced[c] = a
		return nil
	}
	delete(l.announced, c)
	c.flags &^= flagUnannounced
	if addr != nil {
		c.announced(addr)
		if !c.enterNewcomer() {
			c.gone(nil)
			c.closeSocket()
			return nil
		}
	}
	return rest
}

// announcement is the part that has come of a header.
type announcement []byte

// feed takes input, in any cut; it copies what it keeps. a is empty once the header is whole: rest is what stands behind it, and
// addr what it says, as parseAnnouncement has it. After an error nothing more may be fed.
func (a *announcement) feed(in []byte) (rest []byte, addr net.Addr, err error) {
	held := len(*a)
	header := in
	if held > 0 {
		header = append(*a, in[:min(len(in), maxAnnouncement-held)]...)
	}
	n, err := announcementLength(header)
	if err != nil {
		return nil, nil, err
	}
	if n > len(header) {
		*a = append(*a, in...)
		return nil, nil, nil
	}
	*a = nil
	addr, err = parseAnnouncement(header[:n])
	return in[n-held:], addr, err
}

// announced makes addr the peer's.
func (c *Conn) announced(addr net.Addr) {
	c.attach().announced = addr
	if c.flags&flagSealed != 0 {
		c.more.sealed.session.SetAddrs(c.loop.srv.localAddr(c), addr)
	}
}

// refuseAnnouncement hangs up: what the peer speaks is not known, so there is nothing that it could be told.
func (c *Conn) refuseAnnouncement() {
	c.loop.srv.counters.refusal("proxy_header")
	c.gone(nil)
	c.closeSocket()
}

// announcementLength returns the length of the header that b begins with, or the beginning of a header; more than len(b) when
// it is not whole. The error comes with the first byte that cannot belong to one.
func announcementLength(b []byte) (int, error) {
	signature := proxyproto.SIGV2
	if shared := min(len(b), len(signature)); !bytes.Equal(b[:shared], signature[:shared]) {
		return 0, errAnnouncement
	}
	if len(b) < announcementFixed {
		return announcementFixed, nil
	}
	n := announcementFixed + int(binary.BigEndian.Uint16(b[14:]))
	if n > maxAnnouncement {
		return 0, errAnnouncement
	}
	return n, nil
}

// parseAnnouncement reads a whole header. The address is nil for the command LOCAL, with which a proxy speaks for itself, to
// see whether we are well.
func parseAnnouncement(header []byte) (net.Addr, error) {
	r := bufio.NewReaderSize(bytes.NewReader(header), len(header))
	h, err := proxyproto.Read(r)
	switch {
	case err != nil:
		return nil, err
	case h.Command.IsLocal():
		return nil, nil
	case !h.TransportProtocol.IsStream():
		return nil, errAnnouncement
	}
	return h.SourceAddr, nil
}
