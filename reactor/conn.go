package reactor

import (
	"net"

	"github.com/panjf2000/gnet/v2"

	"github.com/wsedge/wsedge/frame"
)

type connState uint8

// The life of a connection. It never goes back.
const (
	stateHandshaking connState = iota // the request head is being read
	stateOpen                         // the handler has been told
	stateClosing                      // our close frame, or refusal, is queued; what is behind it is not read as messages
	stateLingering                    // our side is shut down; input is thrown away until the peer's end of file
	stateHandedOver                   // net/http has the socket now
	stateClosed
)

type connFlags uint16

const (
	flagFirstPing     connFlags = 1 << iota // the next heartbeat pings in any case: this spreads the pings
	flagAwaitingPong                        // a ping is out and nothing has come since
	flagCloseReceived                       // the peer's close frame is here
	flagHangUp                              // no close handshake is waited for
	flagMulti                               // more than one subscription
	flagExcluded                            // some frame of the batch being served leaves this conn out
	flagCongested                           // outbound is in use: what comes must queue behind it
	flagGathered                            // the turn's arena holds something for it
	flagNoCoalesce                          // one of its forms wants a write per publication
	flagRefusal                             // above the cap, or too late: whatever it asks, it is refused
	flagSlow                                // closed as slow: no publication is queued any more
	flagTakeover                            // it has windows of its own; see takeover
	flagSealed                              // under TLS; see sealed
	flagForeign                             // the peer may have got publications that its outbound window does not have
	flagUnannounced                         // a header of the PROXY protocol must come first
	flagNewcomer                            // Config.Newcomers counts it
)

// flagsDetour are the flags with which a delivery cannot simply be sent.
const flagsDetour = flagExcluded | flagCongested | flagGathered

// Conn is one WebSocket connection, from accepted socket to closed.
//
// A Conn belongs to exactly one loop for its whole life. Code on other goroutines may hold a *Conn, but may only call
// the methods marked "Safe from any goroutine"; everything else goes through Remote, or is posted to the loop.
//
// Its 128 bytes are the whole of what a connection at rest costs here, but for 16 for each subscription beyond the first;
// docs/ARCHITECTURE.md has the sum.
type Conn struct {
	// Owned by the loop. What a delivery looks at comes first: one cache line.
	fd           int32
	flags        connFlags
	state        connState
	class        deflateClass
	gathered     int32     // the last of its entries in the turn's arena, 0 for none
	due          uint32    // tick of its next deadline, 0 for none
	lastInbound  uint32    // tick at which the peer was last heard of
	pingSent     uint32    // tick of the ping that is awaited
	partialSince uint32    // tick at which an unfinished message began
	load         frameLoad // what the peer has used of its rates
	out          *outbound // what the socket did not take; nil at rest
	next, prev   *Conn     // in the wheel
	decoder      frame.Decoder
	sub          subscription // the first subscription: most conns have one
	more         *attached    // what only some conns have; nil at most of them
	context      any

	// Immutable after newConn.
	loop *loop
	raw  gnet.Conn
}

// attached is what only some conns have, beyond what every one carries.
type attached struct {
	subscriptions []subscription // beyond the first
	sealed        *sealed        // of a conn under TLS
	announced     net.Addr       // what a proxy has announced; nil: the other end of the socket
}

// attach returns the conn's attached, made if need be.
func (c *Conn) attach() *attached {
	if c.more == nil {
		c.more = new(attached)
	}
	return c.more
}

// others are the subscriptions beyond the first.
func (c *Conn) others() []subscription {
	if c.more == nil {
		return nil
	}
	return c.more.subscriptions
}

func newConn(l *loop, raw gnet.Conn) *Conn {
	return &Conn{loop: l, raw: raw, fd: int32(raw.Fd()), lastInbound: l.wheel.now}
}

// Send queues one message, text or binary; it copies payload. All that one callback sends leaves in one write. It is compressed
// where that was negotiated and makes it shorter. A text must be UTF-8; that is not checked. It returns ErrClosed if the conn is not open, and ErrOpcode if op is neither.
func (c *Conn) Send(op Opcode, payload []byte) error {
	c.loop.check()
	if c.state != stateOpen {
		return ErrClosed
	}
	if !isMessage(op) {
		return ErrOpcode
	}
	c.loop.stats.messagesOut.Add(1)
	if c.class != classPlain && c.class != classDialed && len(payload) >= c.loop.srv.cfg.Deflate.MinBytes {
		c.putCompressed(op, payload)
	} else {
		c.putFrame(op, payload)
	}
	return nil
}

func isMessage(op frame.Opcode) bool { return op == frame.OpText || op == frame.OpBinary }

// Ping queues a ping; the pong counts as a sign of life, and is not reported. payload is copied, at most 125 bytes.
func (c *Conn) Ping(payload []byte) error {
	c.loop.check()
	if c.state != stateOpen {
		return ErrClosed
	}
	if len(payload) > frame.MaxControlBytes {
		return ErrControlTooLong
	}
	c.putFrame(frame.OpPing, payload)
	return nil
}

// Close begins the close handshake (RFC 6455, section 7.1.2): a close frame goes out behind all that was sent before, and
// OnClose is called at the end of the turn. The reason is cut to 123 bytes. A second call does nothing.
func (c *Conn) Close(code CloseCode, reason string) {
	c.loop.check()
	if c.state != stateOpen {
		return
	}
	c.beginClose(code, reason, 0, End{Code: code, Reason: reason})
}

// Context returns what Accept.Context or SetContext has put there.
func (c *Conn) Context() any {
	c.loop.check()
	return c.context
}

// SetContext attaches the embedder's state to the conn.
func (c *Conn) SetContext(context any) {
	c.loop.check()
	c.context = context
}

// RemoteAddr returns the peer's address; nil once the socket is closed, End has it then. It is the one that a proxy has
// announced, if Config.ProxyProtocol or TrustedProxies is about that; a *net.UnixAddr, mostly "@", on a Unix socket otherwise.
func (c *Conn) RemoteAddr() net.Addr {
	c.loop.check()
	if c.state == stateClosed {
		return nil
	}
	return c.peerAddr()
}

// Post runs fn on the conn's loop, if the conn is open when its turn comes. It reports whether the loop still takes posts.
// Posts of one goroutine run in their order. Safe from any goroutine.
func (c *Conn) Post(fn func(c *Conn)) bool {
	return c.loop.inbox.put(post{kind: postCall, conn: c, call: fn})
}

// Server returns the server that the conn belongs to. Safe from any goroutine.
func (c *Conn) Server() *Server { return c.loop.srv }
