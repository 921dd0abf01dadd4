package reactor

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// acceptor accepts on a socket that the loops cannot share as they share a port, a Unix one or Config.Listener, and gives what it has
// accepted to them. The engine's own way, one acceptor for all, takes descriptors until there are none: see
// docs/decisions/0006-unix-sockets.md.
type acceptor struct {
	// Immutable after newAcceptor.
	srv     *Server
	socket  net.Listener
	closing func() // called before the socket is closed

	accepting sync.WaitGroup
	closed    chan struct{}
	once      sync.Once     // closes closed
	deserted  chan struct{} // closed when a loop has ended: it takes nothing over any more
	deserting sync.Once     // closes deserted
}

func newAcceptor(s *Server, socket net.Listener, closing func()) *acceptor {
	return &acceptor{srv: s, socket: socket, closing: closing, closed: make(chan struct{}), deserted: make(chan struct{})}
}

// serve begins to accept.
func (a *acceptor) serve() {
	for range a.width() {
		a.accepting.Go(a.accept)
	}
}

// width is how many connections are on their way to the loops at most. Each takes two descriptors there, which the reserve
// has: a quarter of it at most. Four for each loop keep the loops busy that are not in the middle of a long turn.
func (a *acceptor) width() int {
	return max(1, min(4*a.srv.cfg.Loops, reserveFiles(openFileLimit())/8))
}

// The pauses after an accept that fails, which is for want of descriptors.
const (
	firstAcceptPause = 5 * time.Millisecond
	maxAcceptPause   = time.Second
)

// accept accepts, one connection after the other: the next when the loop has this one, and has it counted against the cap.
func (a *acceptor) accept() {
	for pause := firstAcceptPause; ; {
		conn, err := a.socket.Accept()
		if err == nil {
			err = a.give(conn)
		}
		switch {
		case err == nil:
			pause = firstAcceptPause
			continue
		case errors.Is(err, net.ErrClosed):
			return
		}
		a.srv.cfg.Logger.Warn("cannot accept", "error", err, "pause", pause.String())
		select {
		case <-a.closed:
			return
		case <-time.After(pause):
			pause = min(2*pause, maxAcceptPause)
		}
	}
}

// give gives a connection to a loop, and returns when that has it.
func (a *acceptor) give(conn net.Conn) (err error) {
	var zoned any // the peer's address, where the engine is not to see all of it
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetKeepAlive(false) // the library turns it on; pings find dead peers here
		if addr, ok := tcp.RemoteAddr().(*net.TCPAddr); ok && addr.Zone != "" {
			zoned = addr
			if conn, err = withoutZone(tcp); err != nil {
				return err
			}
		}
	}
	_, err = a.srv.fed.EnrollContext(conn, zoned) // which closes conn: the loop has a duplicate
	return err
}

// loopEnded tells that a loop has ended.
func (a *acceptor) loopEnded() { a.deserting.Do(func() { close(a.deserted) }) }

// close ends the listener, and returns when all that was accepted has come to a loop, as long as all loops run.
func (a *acceptor) close() {
	a.once.Do(func() {
		close(a.closed)
		a.closing()
		_ = a.socket.Close()
		taken := make(chan struct{})
		go func() {
			a.accepting.Wait()
			close(taken)
		}()
		select {
		case <-taken:
		case <-a.deserted:
		}
	})
}

// handshakeStep is how often StopAccepting asks the loops.
const handshakeStep = 10 * time.Millisecond

// StopAccepting ends Config.Listener, and returns when all that was accepted has its answer: is a WebSocket, or net/http's, or was refused. What
// connects from then on is left to those who have the same socket. Connections go on. When ctx is done first, its error is returned. It does
// nothing where the server listens on an address of its own, and before Start.
func (s *Server) StopAccepting(ctx context.Context) error {
	if !s.started.Load() {
		return nil
	}
	if calledOnLoop() {
		return ErrOnLoop
	}
	<-s.running
	if s.cfg.Listener == nil || s.acceptor == nil {
		return nil
	}
	closed := make(chan struct{})
	go func() {
		s.acceptor.close()
		close(closed)
	}()
	select {
	case <-closed:
	case <-ctx.Done(): // a loop is stuck; what was accepted comes to it when it goes on
		return ctx.Err()
	}
	for s.inHandshake(ctx) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.done:
			return nil
		case <-time.After(handshakeStep):
		}
	}
	return nil
}

// inHandshake asks the loops whether they have a conn that has had no answer. Figures can't tell: they are not of one moment.
func (s *Server) inHandshake(ctx context.Context) bool {
	loops := s.knownLoops()
	answers := make(chan bool, len(loops)) // nobody on a loop waits for us
	asked := 0
	for _, l := range loops {
		if l.inbox.put(post{kind: postAsk, call: func(*Conn) { answers <- l.inHandshake() }}) {
			asked++
		}
	}
	some := false
	for range asked {
		select {
		case a := <-answers:
			some = some || a
		case <-ctx.Done(): // the caller looks at it
			return true
		case <-s.done:
			return false
		}
	}
	return some
}

func (l *loop) inHandshake() (some bool) {
	l.wheel.each(func(c *Conn) { some = some || c.state == stateHandshaking })
	return some
}
