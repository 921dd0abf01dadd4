package loadtest

import (
	"golang.org/x/sys/unix"

	"github.com/wsedge/wsedge/frame"
)

type connState uint8

const (
	stateNew connState = iota
	stateConnecting
	stateSecuring // wss: the TLS handshake is under way
	stateUpgrading
	stateSubscribing
	stateReady
	stateClosing // our close frame is out
	stateDone
	stateWaiting // for its next life
)

// lifeState is whether a connection has been ready.
type lifeState uint8

const (
	lifeNone   lifeState = iota // never
	lifeEnded                   // it was; without phases also while it is
	lifeOn                      // with phases: it is, and its account in the ledger is open
	lifeBroken                  // with recovery: it was, and its account is open
)

// conn is one client connection, owned by its loop.
//
// At rest it takes 44 bytes: 40 here (8 decoder, 8 rest, 8 began, 4 fd, 4 sent, 4 state to step, 4 extra) and 4 in
// the ledger, which in a fan-out are 4 for each publisher: 104 bytes with 16 of them. The budget is 300, and
// TestIdleConnectionsAreSmall measures it. It has no goroutine and no buffer: reads go to one that the loop's connections share.
type conn struct {
	decoder frame.Decoder
	rest    *leftover
	began   int64 // the current step of the setup, or with phases the life; in ns after the epoch
	fd      int32
	sent    uint32 // Echo: messages so far
	state   connState
	life    lifeState
	slow    bool   // it is slow in some phase
	step    uint8  // of the protocol's setup: the one that waits for a reply
	extra   uint32 // entry in the loop's table of TLS sessions and codecs; 0: none
}

// leftover is what a connection only rarely has.
type leftover struct {
	out     []byte // what the socket did not take
	head    []byte // the part of the server's handshake that has arrived
	scanner frame.HeadScanner
}

// maxUnsent is what is kept for a server that does not read: 16 of the largest messages, or a thousand of 16 KiB, so that an
// open loop goes on through a stall of seconds. maxUnsentPongs is for answers to pings, which need not all be answered (RFC
// 6455, section 5.5.3).
const (
	maxUnsent      = 16 * MaxPayload
	maxUnsentPongs = 64 << 10
)

// unsent is what the socket has not taken yet.
func (c *conn) unsent() int {
	if c.rest == nil {
		return 0
	}
	return len(c.rest.out)
}

func (c *conn) leftover() *leftover {
	if c.rest == nil {
		c.rest = &leftover{}
	}
	return c.rest
}

// inSetup says whether the connection is on its way to ready.
func (c *conn) inSetup() bool { return c.state > stateNew && c.state < stateReady }

// over says that the connection has ended; another life may follow.
func (c *conn) over() bool { return c.state >= stateDone }

// ready handles what epoll says of a connection. An event may be left over from a connection that ended within the turn.
func (l *loop) ready(slot int, events uint32) {
	c := &l.conns[slot]
	if c.over() {
		return
	}
	if c.state == stateConnecting {
		l.connected(slot, c)
		return
	}
	if events&unix.EPOLLOUT != 0 {
		l.flush(slot, c)
	}
	if events&(unix.EPOLLIN|unix.EPOLLHUP|unix.EPOLLERR) != 0 && !c.over() {
		l.receive(slot, c)
	}
}

// send writes p, or as much as the socket takes; the rest goes out when it is writable. It borrows p.
func (l *loop) send(slot int, c *conn, p []byte) {
	if p = l.seal(c, p); len(p) > 0 {
		l.sendBytes(slot, c, p)
	}
}

// sendBytes is send below TLS.
func (l *loop) sendBytes(slot int, c *conn, p []byte) {
	if c.rest != nil && len(c.rest.out) > 0 {
		if len(c.rest.out)+len(p) > maxUnsent {
			l.end(slot, c, failure{text: "send: the server does not read"})
			return
		}
		c.rest.out = append(c.rest.out, p...)
		return
	}
	n, errno := sendNow(c.fd, p)
	switch {
	case errno == unix.EAGAIN || errno == unix.EINTR:
		n = 0
	case errno != 0:
		l.end(slot, c, failureOf("send", errno))
		return
	}
	if n < len(p) {
		c.leftover().out = append(c.leftover().out, p[n:]...)
		l.watchConn(slot, c, unix.EPOLLIN|unix.EPOLLOUT)
	}
}

// flush goes on with what the socket did not take before.
func (l *loop) flush(slot int, c *conn) {
	if c.rest == nil || len(c.rest.out) == 0 {
		l.watchConn(slot, c, unix.EPOLLIN)
		return
	}
	n, errno := sendNow(c.fd, c.rest.out)
	switch {
	case errno == unix.EAGAIN || errno == unix.EINTR:
		return
	case errno != 0:
		l.end(slot, c, failureOf("send", errno))
		return
	}
	if c.rest.out = c.rest.out[n:]; len(c.rest.out) > 0 {
		return
	}
	if c.rest.out = nil; c.rest.head == nil {
		c.rest = nil
	}
	l.watchConn(slot, c, unix.EPOLLIN)
}

func (l *loop) watchConn(slot int, c *conn, events uint32) {
	if err := l.watch(unix.EPOLL_CTL_MOD, int(c.fd), int32(slot), l.interest(slot, c, events)); err != nil {
		l.end(slot, c, failureOf("watch", err))
	}
}

// end closes a connection and counts why: as a failed setup, or as one that ended early. With phases it may come back.
func (l *loop) end(slot int, c *conn, f failure) {
	inSetup, ready := c.inSetup(), c.state == stateReady
	l.lifeEnds(slot, c)
	l.release(c)
	switch {
	case inSetup:
		l.inFlight--
		l.setupFailed(slot, c, f)
	case ready:
		l.serverEnded(slot, c, f)
	}
}

// release closes the socket and gives everything back.
func (l *loop) release(c *conn) {
	if c.state == stateNew || c.over() {
		return
	}
	c.state, c.step = stateDone, 0
	decoding, _ := l.codecOf(c)
	c.decoder.Reset(decoding)
	l.endExtra(c)
	c.rest = nil
	if c.fd != noDescriptor {
		l.closeSocket(c.fd)
	}
}

// closeSocket closes a socket that is watched. To close it alone does not end that where a process that is just being started has a
// copy (epoll(7), Q6): its events would go on to come, and mean whatever has that number by then.
func (l *loop) closeSocket(fd int32) {
	_ = unix.EpollCtl(l.epoll, unix.EPOLL_CTL_DEL, int(fd), nil)
	_ = unix.Close(int(fd))
}

// fail ends a connection over something the server did wrong, and tells it.
func (l *loop) fail(slot int, c *conn, code frame.CloseCode, f failure) {
	l.sendClose(c, code)
	l.end(slot, c, f)
}

// sendClose tries to send a close frame; what the socket does not take of it is not worth waiting for.
func (l *loop) sendClose(c *conn, code frame.CloseCode) {
	payload := frame.AppendClosePayload(nil, code, "")
	l.scratch = frame.AppendMaskedFrame(l.scratch[:0], frame.OpClose, payload, l.nextMask())
	if l.session(c) != nil && c.unsent() > 0 {
		return // in the midst of a record
	}
	if out := l.seal(c, l.scratch); len(out) > 0 {
		_, _ = sendNow(c.fd, out)
	}
}

// startClosing says good-bye on all connections. The loop ends when the servers' answers are in, or after closeGrace.
func (l *loop) startClosing() {
	l.closing = true
	if l.windowCPU.begun && !l.windowCPU.ended { // cut short
		l.tally.busy = l.windowCPU.end(l.clock.now())
	}
	left := 0
	for i := range l.conns {
		c := &l.conns[i]
		if c.state != stateReady || c.rest != nil || l.spec.Stalled || c.slow {
			l.release(c)
			continue
		}
		l.sendClose(c, frame.CloseNormal)
		c.state = stateClosing
		left++
	}
	l.inFlight = left
	if left > 0 {
		l.closeBy = l.clock.now() + closeGrace
	}
}

// closed ends a connection after our close frame, and the loop after the last one.
func (l *loop) closed(c *conn) {
	l.release(c)
	if l.inFlight--; l.inFlight == 0 {
		l.closeBy = 0
	}
}

func (l *loop) closeConns() {
	for i := range l.conns {
		l.release(&l.conns[i])
	}
	l.closeLives()
}

// nextMask makes masking keys with splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
// They have to differ, not to be secret: this client sends no one else's data.
func (l *loop) nextMask() [4]byte {
	v := splitmix(&l.masks)
	return [4]byte{byte(v), byte(v >> 8), byte(v >> 16), byte(v >> 24)}
}

func splitmix(state *uint64) uint64 {
	*state += 0x9e3779b97f4a7c15
	v := *state
	v = (v ^ v>>30) * 0xbf58476d1ce4e5b9
	v = (v ^ v>>27) * 0x94d049bb133111eb
	return v ^ v>>31
}
