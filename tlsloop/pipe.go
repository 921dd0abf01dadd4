package tlsloop

import (
	"net"
	"time"
)

// pipe is the net.Conn under a tls.Conn: during the handshake its goroutine waits here for the loop; afterwards the loop reads
// one record and appends what is written to memory.
type pipe struct {
	hs   *handshake // nil when established
	loop *Loop      // nil before
}

// wouldBlock makes a tls.Conn give up without remembering the error: it takes a temporary net.Error for an expired deadline, after
// which reading can go on.
type wouldBlock struct{}

func (wouldBlock) Error() string   { return "tlsloop: would block" }
func (wouldBlock) Timeout() bool   { return true }
func (wouldBlock) Temporary() bool { return true }

var errWouldBlock net.Error = wouldBlock{}

func (p *pipe) Read(b []byte) (int, error) {
	if p.hs != nil {
		return p.hs.read(b)
	}
	if len(p.loop.rec) == 0 {
		return 0, errWouldBlock
	}
	n := copy(b, p.loop.rec)
	p.loop.rec = p.loop.rec[n:]
	return n, nil
}

// Write takes everything: tls.Conn can't go on after a partial write, and holds its locks here.
func (p *pipe) Write(b []byte) (int, error) {
	if p.hs != nil {
		return p.hs.write(b)
	}
	p.loop.sent = append(p.loop.sent, b...)
	return len(b), nil
}

// Close does nothing: sessions are closed by their loop.
func (p *pipe) Close() error { return nil }

// LocalAddr is what SetAddrs has set.
func (p *pipe) LocalAddr() net.Addr {
	if p.hs == nil {
		return noAddr{}
	}
	return orNone(p.hs.local)
}

// RemoteAddr is what SetAddrs has set.
func (p *pipe) RemoteAddr() net.Addr {
	if p.hs == nil {
		return noAddr{}
	}
	return orNone(p.hs.remote)
}

// Deadlines are the caller's.
func (p *pipe) SetDeadline(time.Time) error      { return nil }
func (p *pipe) SetReadDeadline(time.Time) error  { return nil }
func (p *pipe) SetWriteDeadline(time.Time) error { return nil }

// noAddr stands for an address that nobody has told.
type noAddr struct{}

func (noAddr) Network() string { return "memory" }
func (noAddr) String() string  { return "" }

func orNone(a net.Addr) net.Addr {
	if a == nil {
		return noAddr{}
	}
	return a
}
