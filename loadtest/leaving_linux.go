package loadtest

import (
	"golang.org/x/sys/unix"

	"github.com/wsedge/wsedge/frame"
)

// leave ends a connection from this side, whatever state it is in. Its slot is free at once: a socket that waits for the
// answer to a close frame does so elsewhere. It is called between turns only.
func (l *loop) leave(slot int, by DropKind) {
	c := &l.conns[slot]
	if t := l.phaseTally(); t != nil && (c.inSetup() || c.state == stateReady) {
		t.counts.Left++
	}
	switch {
	case c.inSetup():
		l.inFlight--
		delete(l.lives.coming, int32(slot))
		l.release(c)
		return
	case c.state != stateReady:
		return
	}
	l.tally.counts.Left++
	l.lifeEnds(slot, c)
	switch {
	case by == DropReset:
		_ = unix.SetsockoptLinger(int(c.fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
		l.closeSocket(c.fd) // before TLS can say good-bye
		c.fd = noDescriptor
	case by == DropSilent:
		_ = unix.EpollCtl(l.epoll, unix.EPOLL_CTL_DEL, int(c.fd), nil)
		l.lives.held = append(l.lives.held, c.fd)
		c.fd = noDescriptor
	default:
		l.sendClose(c, frame.CloseGoingAway)
		l.awaitClose(c)
	}
	l.release(c)
}

// noDescriptor is that of a connection whose socket has gone elsewhere.
const noDescriptor = -1

// leavingSlot turns a descriptor into the slot of its events, below all others, and back.
func leavingSlot(fd int32) int32 { return timerSlot - 1 - fd }

// awaitClose puts the socket aside until the server has closed it, for closeGrace at most. Where there are too many already, or
// the close frame could not go out whole, it is closed at once.
func (l *loop) awaitClose(c *conn) {
	v := &l.lives
	if len(v.leaving) >= maxLeaving || c.unsent() > 0 || c.slow {
		return
	}
	if l.watch(unix.EPOLL_CTL_MOD, int(c.fd), leavingSlot(c.fd), unix.EPOLLIN) != nil {
		return
	}
	now := l.clock.now()
	v.leaving[c.fd] = now + closeGrace
	v.leaveAt = min(v.leaveAt, now+scanInterval)
	c.fd = noDescriptor
}

// leavingReady reads what a server still says to a connection that leaves, and lets go of it at the end of the stream.
func (l *loop) leavingReady(fd int32) {
	n, errno := receiveNow(fd, l.buf)
	if errno == unix.EAGAIN || errno == unix.EINTR || errno == 0 && n > 0 {
		return
	}
	delete(l.lives.leaving, fd)
	l.closeSocket(fd)
}

// leavingDue lets go of those that the server does not close.
func (l *loop) leavingDue(now int64) int64 {
	v := &l.lives
	if now < v.leaveAt {
		return v.leaveAt
	}
	for fd, until := range v.leaving {
		if now >= until {
			delete(v.leaving, fd)
			l.closeSocket(fd)
		}
	}
	if v.leaveAt = now + scanInterval; len(v.leaving) == 0 {
		v.leaveAt = never
	}
	return v.leaveAt
}

// closeLives closes all sockets that have no slot any more.
func (l *loop) closeLives() {
	for fd := range l.lives.leaving {
		_ = unix.Close(int(fd))
	}
	for _, fd := range l.lives.held {
		_ = unix.Close(int(fd))
	}
}
