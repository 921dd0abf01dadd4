package floor

import (
	"errors"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/wsedge/wsedge/frame"
)

// connKind says what is spoken on a connection.
type connKind uint8

const (
	kindHTTP connKind = iota
	kindSubscriber
	kindEcho
	kindLink // to another process of the floor
)

// conn is a connection, owned by its thread.
type conn struct {
	fd      int32
	place   int32 // of a subscriber in thread.open
	kind    connKind
	closed  bool
	decoder frame.Decoder
	in      []byte // of kindHTTP and kindLink: what is not yet complete
	out     []byte // what the socket did not take
}

// send does not tell the runtime of the system call: it does not block, and the hand-off of the processor would cost more than
// a tenth of the sending. It returns the bytes taken, 0 where it failed: what is wrong shows when the connection is read.
func send(fd int, p []byte) int {
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)),
		unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// receive returns what has come; an error also at the end of the stream.
func receive(fd int, p []byte) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)),
		unix.MSG_DONTWAIT, 0, 0)
	switch {
	case errno == unix.EAGAIN || errno == unix.EINTR:
		return 0, nil
	case errno != 0:
		return 0, errno
	case n == 0:
		return 0, errors.New("end of stream")
	}
	return int(n), nil
}

// queue sends p behind what is waiting, and keeps what the socket does not take. It returns false where that was too much,
// and the connection closed.
func (t *thread) queue(c *conn, p []byte) bool {
	if len(c.out) == 0 {
		if p = p[send(int(c.fd), p):]; len(p) == 0 {
			return true
		}
		if t.watch(unix.EPOLL_CTL_MOD, int(c.fd), unix.EPOLLIN|unix.EPOLLOUT) != nil {
			t.drop(c)
			return false
		}
	}
	limit := MaxQueued
	if c.kind == kindLink {
		limit = maxLinked
	}
	if len(c.out)+len(p) > limit {
		t.drop(c)
		return false
	}
	c.out = append(c.out, p...)
	t.setWaiting(c, true)
	return true
}

// flush sends what is waiting. It returns false where the connection was closed.
func (t *thread) flush(c *conn) bool {
	c.out = c.out[send(int(c.fd), c.out):]
	if len(c.out) > 0 {
		return true
	}
	c.out = nil
	t.setWaiting(c, false)
	if t.watch(unix.EPOLL_CTL_MOD, int(c.fd), unix.EPOLLIN) != nil {
		t.drop(c)
		return false
	}
	return true
}

func (t *thread) setWaiting(c *conn, waiting bool) {
	if c.kind == kindSubscriber {
		t.open[c.place].waiting = waiting
	}
}

// drop closes a connection.
func (t *thread) drop(c *conn) {
	if c.closed {
		return
	}
	c.closed = true
	c.decoder.Reset(&t.decoding)
	if c.kind == kindSubscriber {
		last := len(t.open) - 1
		t.open[c.place] = t.open[last]
		t.conns[t.open[c.place].fd].place = c.place
		t.open = t.open[:last]
	}
	t.conns[c.fd] = nil
	_ = unix.Close(int(c.fd))
	// Another process that is gone has taken its subscribers along, who notice.
	t.links = slices.DeleteFunc(t.links, func(l *conn) bool { return l == c })
}

// readable takes what has come.
func (t *thread) readable(c *conn) {
	n, err := receive(int(c.fd), t.buf)
	if err != nil {
		t.drop(c)
		return
	}
	in := t.buf[:n]
	if c.kind == kindSubscriber || c.kind == kindEcho {
		t.frames(c, in)
		return
	}
	if len(c.in) > 0 {
		c.in = append(c.in, in...)
		in = c.in
	}
	rest := in
	if c.kind == kindLink {
		rest = t.linked(rest)
	} else if rest, err = t.requests(c, in); err != nil || len(rest) > maxInput {
		t.drop(c)
		return
	}
	c.in = append([]byte(nil), rest...)
}

// linked publishes here what came to another process.
func (t *thread) linked(in []byte) (rest []byte) {
	for {
		var frame []byte
		if frame, in = takeLinked(in); frame == nil {
			return in
		}
		t.publish(message{frame: append([]byte(nil), frame...)})
	}
}

// frames answers the messages that have come, all of them in one go.
func (t *thread) frames(c *conn, in []byte) {
	t.scratch = t.scratch[:0]
	done := false
	for len(in) > 0 && !done {
		m, n, err := c.decoder.Next(&t.decoding, in)
		if err != nil {
			t.drop(c)
			return
		}
		if in = in[n:]; m.Opcode == frame.OpContinuation {
			break // there is more to come
		}
		t.scratch, done = appendAnswer(t.scratch, c.kind, &m)
		m.Release()
	}
	if len(t.scratch) > 0 && !t.queue(c, t.scratch) {
		return
	}
	if done {
		t.drop(c)
	}
}
