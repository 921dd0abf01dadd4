package reactor

import (
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Buffers of a bridge: what clients say is mostly short; a record of TLS is at most 16 KiB.
const (
	bridgeUpBytes   = 4 << 10
	bridgeDownBytes = 16 << 10
)

// bridgeSendBytes bounds what the loop's end of a bridge takes, so that a slow client is seen to be slow: see notsentLowat.
const bridgeSendBytes = 64 << 10

// bridge carries the bytes of a connection that the engine cannot poll, such as one of TLS, to and from a socket pair whose other
// end is the loop's: two goroutines, two buffers, two more descriptors. Either side's end reaches the other behind all that
// was said before it, in each direction by itself.
type bridge struct {
	// Immutable after newBridge.
	srv    *Server
	client net.Conn
	loop   *net.UnixConn // our end of the pair

	holders atomic.Int32 // of the place: the loop's conn and the two goroutines; the last gives it back
	isCut   atomic.Bool  // the server has ended: no deadline is later than that
}

// newBridge makes a bridge for the client, and returns the loop's end. The place of the connection is the bridge's, unless there
// is an error.
func (s *Server) newBridge(client net.Conn) (b *bridge, loopEnd net.Conn, err error) {
	s.bridged.Add(1)
	defer func() {
		if err != nil {
			s.bridged.Add(-1)
		}
	}()
	if !s.enoughFiles(s.conns.Load()) {
		return nil, nil, fmt.Errorf("reactor: bridge: %w", unix.EMFILE)
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	_ = unix.SetsockoptInt(fds[1], unix.SOL_SOCKET, unix.SO_SNDBUF, bridgeSendBytes)
	ours, err := connOf(fds[0])
	theirs, err2 := connOf(fds[1])
	if err == nil && err2 == nil {
		b = &bridge{srv: s, client: client, loop: ours.(*net.UnixConn)}
		b.holders.Store(3)
		s.bridges.add(b)
		return b, theirs, nil
	}
	for _, c := range []net.Conn{ours, theirs} {
		if c != nil {
			_ = c.Close()
		}
	}
	if err == nil {
		err = err2
	}
	return nil, nil, err
}

// connOf makes a net.Conn of a descriptor, which it closes.
func connOf(fd int) (net.Conn, error) {
	unix.CloseOnExec(fd)
	f := os.NewFile(uintptr(fd), "bridge")
	defer f.Close() // FileConn has its own duplicate
	return net.FileConn(f)
}

// run begins to carry.
func (b *bridge) run() {
	go b.up()
	go b.down()
}

// fail ends a bridge that the loop has not taken.
func (b *bridge) fail() {
	b.holders.Store(1)
	b.drop()
}

// up carries what the client says to the loop.
func (b *bridge) up() {
	defer b.drop()
	buf := make([]byte, bridgeUpBytes)
	heard := true
	for {
		n, err := b.client.Read(buf)
		if n > 0 && heard {
			_, failed := b.loop.Write(buf[:n])
			// The loop has closed. What the client goes on to say is read all the same: a socket that is closed with unread input
			// is reset, and the last bytes on their way to the client are lost.
			heard = failed == nil
		}
		if err != nil {
			_ = b.loop.CloseWrite()
			return
		}
	}
}

// down carries what the loop says to the client, and then waits a moment for the client to hang up.
func (b *bridge) down() {
	defer b.drop()
	buf := make([]byte, bridgeDownBytes)
	for {
		n, err := b.loop.Read(buf)
		if n > 0 {
			if _, failed := b.client.Write(buf[:n]); failed != nil {
				_ = b.loop.CloseRead()  // the loop can send no more
				_ = b.loop.CloseWrite() // and hears the end
				expire(b.client, b.client.SetReadDeadline, time.Now())
				return
			}
		}
		if err != nil {
			closeWrite(b.client)
			expire(b.client, b.client.SetReadDeadline, time.Now().Add(b.srv.cfg.LingerTimeout))
			b.cutAgain()
			return
		}
	}
}

// closeWrite ends our side of a connection, as far as it knows how to. Under TLS that is an alert, and the end of the socket.
func closeWrite(c net.Conn) {
	type halfCloser interface{ CloseWrite() error }
	type wrapper interface{ NetConn() net.Conn }
	if h, ok := c.(halfCloser); ok {
		_ = h.CloseWrite()
	}
	if w, ok := c.(wrapper); ok {
		closeWrite(w.NetConn())
	}
}

// loopGone is told when the loop's conn has ended. What it has said must be taken within the time that it has for closing. It
// does not wait: the client's connection may be anything.
func (b *bridge) loopGone() {
	go func() {
		expire(b.client, b.client.SetWriteDeadline, time.Now().Add(b.srv.cfg.CloseTimeout))
		b.cutAgain()
		b.drop()
	}()
}

// cutAgain is for whoever has set a deadline: that of cut may have come before it, and counts.
func (b *bridge) cutAgain() {
	if b.isCut.Load() {
		expire(b.client, b.client.SetDeadline, time.Now())
	}
}

// expire ends by set, one of its deadlines, what c does after that time; a connection that knows none, such as one through SSH, is closed then.
func expire(c net.Conn, set func(time.Time) error, at time.Time) {
	if set(at) != nil {
		time.AfterFunc(time.Until(at), func() { _ = c.Close() })
	}
}

// drop is the end of one of the three holders.
func (b *bridge) drop() {
	if b.holders.Add(-1) > 0 {
		return
	}
	_ = b.client.Close()
	_ = b.loop.Close()
	b.srv.bridges.remove(b)
	b.srv.bridged.Add(-1)
	b.srv.release()
}

// bridges are those of a server.
type bridges struct {
	mu  sync.Mutex
	all map[*bridge]struct{}
}

func (bs *bridges) add(b *bridge) {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	if bs.all == nil {
		bs.all = make(map[*bridge]struct{})
	}
	bs.all[b] = struct{}{}
}

func (bs *bridges) remove(b *bridge) {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	delete(bs.all, b)
}

// cut ends all bridges at once.
func (bs *bridges) cut() {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	for b := range bs.all {
		b.isCut.Store(true)
		go b.cutAgain()
	}
}

// again returns a connection of its own for c's socket, and closes c.
func again[C interface {
	net.Conn
	File() (*os.File, error)
}](c C) (net.Conn, error) {
	defer c.Close()
	f, err := c.File()
	if err != nil {
		return nil, err
	}
	defer f.Close() // FileConn has its own duplicate
	return net.FileConn(f)
}

// withoutZone returns a connection of its own for c's socket, with no zone in its addresses, and closes c: the engine gives the
// bytes of zones to its pool of buffers when a connection ends, though they are net's to share.
func withoutZone(c *net.TCPConn) (net.Conn, error) {
	own, err := again(c)
	if err != nil {
		return nil, err
	}
	for _, a := range []net.Addr{own.LocalAddr(), own.RemoteAddr()} {
		if addr, ok := a.(*net.TCPAddr); ok {
			addr.Zone = ""
		}
	}
	return own, nil
}
