package loadtest

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wsedge/wsedge/frame"
)

// scanInterval is how often setups are checked against their deadline.
const scanInterval = int64(250 * time.Millisecond)

// connectDue opens the connections whose time has come, as far as the bound on those under way allows, and returns when
// the next one is due.
func (l *loop) connectDue(now int64) int64 {
	if l.closing {
		return never
	}
	rate := l.spec.ConnectRate * l.share
	due := min(int(float64(now-l.connectAt)/1e9*rate)+1, l.lives.initial)
	limit := l.setupLimit()
	for l.opened < due && l.inFlight < limit {
		l.open(l.opened, now)
		l.opened++
	}
	if l.opened >= l.lives.initial || l.inFlight >= limit {
		return never // the end of a setup makes room, and is an event itself
	}
	// At most 1000 turns a second are spent on opening.
	return max(l.connectAt+int64(float64(l.opened)/rate*1e9)+1, now+int64(time.Millisecond))
}

// setupLimit is how many setups may be under way.
func (l *loop) setupLimit() int { return max(1, int(float64(l.spec.MaxInFlight)*l.share)) }

// nextNode is the address of the node whose turn it is.
func (l *loop) nextNode() netip.AddrPort {
	n := len(l.spec.Also) + 1
	if n == 1 {
		return l.spec.Addr
	}
	turn := l.nodeTurn
	l.nodeTurn = (turn + 1) % n
	if turn == 0 {
		return l.spec.Addr
	}
	return l.spec.Also[turn-1]
}

func (l *loop) open(slot int, now int64) {
	c := &l.conns[slot]
	if t := l.phaseTally(); t != nil {
		t.counts.Opened++
	}
	fd, err := startConnect(l.nextNode(), l.sources.at(l.first+slot), l.spec.Stalled || c.slow)
	if err == nil {
		if err = l.watch(unix.EPOLL_CTL_ADD, fd, int32(slot), unix.EPOLLOUT); err != nil {
			_ = unix.Close(fd)
		}
	}
	if err != nil {
		c.state = stateDone
		l.setupFailed(slot, c, failureOf("connect", err))
		return
	}
	c.fd, c.state, c.began = int32(fd), stateConnecting, now
	l.inFlight++
	if l.scanAt == never {
		l.scanAt = now + scanInterval
	}
}

// timeoutDue ends setups that take longer than they may.
func (l *loop) timeoutDue(now int64) int64 {
	if now < l.scanAt {
		return l.scanAt
	}
	if l.inFlight == 0 || l.closing {
		l.scanAt = never
		return never
	}
	for slot := range l.conns[:l.opened] {
		c := &l.conns[slot]
		if c.inSetup() && now-c.began > int64(l.spec.SetupTimeout) {
			l.end(slot, c, timeoutFailure(c.state.waitsFor()))
		}
	}
	l.scanAt = now + scanInterval
	return l.scanAt
}

// waitsFor names what a setup that takes too long has not got.
func (s connState) waitsFor() string {
	switch s {
	case stateConnecting:
		return "connect"
	case stateSecuring:
		return "tls"
	case stateUpgrading:
		return "handshake"
	default:
		return "subscription"
	}
}

// connected begins the TLS handshake, or goes on without.
func (l *loop) connected(slot int, c *conn) {
	if errno := connectError(c.fd); errno != 0 {
		l.end(slot, c, failureOf("connect", errno))
		return
	}
	if l.tls != nil {
		l.startTLS(slot, c)
		return
	}
	l.watchConn(slot, c, unix.EPOLLIN)
	if !c.over() {
		l.upgrade(slot, c)
	}
}

// upgrade sends the opening handshake.
func (l *loop) upgrade(slot int, c *conn) {
	c.state = stateUpgrading
	l.scratch = frame.AppendClientHandshake(l.scratch[:0], l.spec.Host, l.requestTarget(slot, c), l.handshakeKey(slot), l.spec.Header)
	l.send(slot, c, l.scratch)
}

// handshakeKey is computed anew when the answer comes, instead of being kept.
func (l *loop) handshakeKey(slot int) []byte {
	state := uint64(l.spec.Run)<<32 | uint64(l.first+slot)
	var random [16]byte
	binary.LittleEndian.PutUint64(random[:8], splitmix(&state))
	binary.LittleEndian.PutUint64(random[8:], splitmix(&state))
	return frame.NewClientKey(random)
}

// receiveHead takes bytes of the server's handshake. What comes behind the head are frames already.
func (l *loop) receiveHead(slot int, c *conn, in []byte) {
	rest := c.leftover()
	rest.head = append(rest.head, in...)
	n, err := rest.scanner.Scan(rest.head, nil)
	if err != nil {
		l.end(slot, c, headFailure(rest.head, err))
		return
	}
	if n == 0 {
		return
	}
	subprotocol, err := l.checkHandshake(slot, c, rest.head[:n])
	if err != nil {
		l.end(slot, c, handshakeFailure(err))
		return
	}
	if subprotocol != nil && !offersSubprotocol(l.spec.Header, string(subprotocol)) {
		l.end(slot, c, badHandshake("subprotocol_not_offered"))
		return
	}
	frames := rest.head[n:]
	if rest.head = nil; len(rest.out) == 0 {
		c.rest = nil
	}
	l.upgraded(slot, c)
	if len(frames) > 0 && !c.over() {
		l.consume(slot, c, frames)
	}
}

// checkHandshake checks the server's answer, and takes up what it says of permessage-deflate.
func (l *loop) checkHandshake(slot int, c *conn, head []byte) (subprotocol []byte, err error) {
	if l.spec.Deflate == NoDeflate {
		return frame.CheckServerHandshake(head, l.handshakeKey(slot))
	}
	subprotocol, agreed, err := frame.CheckDeflateHandshake(head, l.handshakeKey(slot), l.spec.Deflate.offer())
	if err == nil {
		l.deflateAgreed(c, agreed)
	}
	return subprotocol, err
}

// upgraded begins with what the protocol asks for before a connection is ready.
func (l *loop) upgraded(slot int, c *conn) {
	now := l.clock.now()
	record(l.tally.connect, now-c.began)
	l.setupTimed(timeConnect, now-c.began)
	c.began = now
	l.nextStep(slot, c)
}

func (l *loop) nowReady(slot int, c *conn) {
	if l.inFlight--; c.life != lifeNone {
		l.tally.counts.Reborn++
	}
	if c.state = stateReady; c.life != lifeBroken {
		c.life = lifeEnded // lifeBegins makes it more than that
	}
	if s := l.session(c); s != nil {
		s.layer.cool() // the keys that are needed again are made again
	}
	l.tally.counts.Ready++
	l.lifeBegins(slot, c)
	if l.spec.Stalled {
		l.watchConn(slot, c, 0) // only its end is told
	}
}

func handshakeFailure(err error) failure {
	var refusal *frame.HandshakeError
	if errors.As(err, &refusal) {
		return answerFailure(refusal)
	}
	return badHandshake(err.Error())
}
