package reactor

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"slices"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// engineEvents is what the engine calls. It finds the loop and the conn, and guards the process against our own panics,
// which the engine would let through.
type engineEvents struct {
	gnet.BuiltinEventEngine
	srv    *Server
	booted chan struct{}
}

func (e *engineEvents) OnBoot(engine gnet.Engine) gnet.Action {
	e.srv.engine = engine
	close(e.booted)
	return gnet.None
}

// OnOpen comes for each accepted socket, and for the reading end of a loop's wake-up.
func (e *engineEvents) OnOpen(raw gnet.Conn) (out []byte, action gnet.Action) {
	if l, isWake := raw.Context().(*loop); isWake {
		close(l.ready)
		return nil, gnet.None
	}
	l, err := e.srv.loopOf(raw.EventLoop())
	if err != nil {
		e.srv.cfg.Logger.Error("cannot set up a loop", "error", err)
		return nil, gnet.Close
	}
	defer e.guard(l, nil)
	l.enter()
	defer l.exit()
	return nil, l.open(raw)
}

// open begins the life of a connection.
func (l *loop) open(raw gnet.Conn) gnet.Action {
	s := l.srv
	c := newConn(l, raw)
	timeout := s.cfg.HandshakeTimeout
	if !s.admit() {
		c.flags |= flagRefusal
		timeout = s.cfg.LingerTimeout
		if s.refusals.Add(1) > int64(maxLingeringRefusals()) || s.tls != nil { // under TLS an answer would cost a handshake
			s.counters.refusal(s.refusal().Reason)
			c.gone(nil)
			return gnet.Close
		}
	}
	if s.tls != nil {
		c.seal()
	}
	if s.cfg.ProxyProtocol.contains(raw.RemoteAddr()) {
		c.flags |= flagUnannounced
	}
	raw.SetContext(c)
	if s.unix == nil {
		limitUnsent(int(c.fd))
	}
	l.wheel.set(c, l.wheel.now+ticks(timeout))
	return gnet.None
}

// OnTraffic comes with input for a conn, or with a wake-up.
func (e *engineEvents) OnTraffic(raw gnet.Conn) gnet.Action {
	in, _ := raw.Next(-1) // never leaves anything behind: the engine's own buffer stays empty
	switch x := raw.Context().(type) {
	case *Conn:
		defer e.guard(x.loop, x)
		x.loop.traffic(x, in)
	case *loop:
		defer e.guard(x, nil)
		x.wakeUp()
	}
	return gnet.None
}

// OnClose comes when the engine closes a socket, by itself or because we made it.
func (e *engineEvents) OnClose(raw gnet.Conn, err error) gnet.Action {
	c, ok := raw.Context().(*Conn)
	if !ok {
		if _, isWake := raw.Context().(*loop); isWake {
			e.srv.loopEnded()
		}
		return gnet.None
	}
	defer e.guard(c.loop, c)
	c.loop.enter()
	defer c.loop.exit()
	c.gone(err)
	return gnet.None
}

// guard keeps a panic of our own from taking the process along: it costs the conn.
func (e *engineEvents) guard(l *loop, c *Conn) {
	r := recover()
	if r == nil {
		return
	}
	e.srv.counters.panics.Add(1)
	e.srv.cfg.Logger.Error("reactor panicked", "panic", r, "stack", string(debug.Stack()))
	l.depth = 0
	l.head = nil
	if l.corked != nil {
		l.corked = nil
		l.emptyCork()
	}
	if c != nil && c.state != stateClosed {
		c.gone(fmt.Errorf("reactor: panic: %v", r))
		c.closeSocket()
	}
}

// loopOf returns our side of one of the engine's loops, made when its first connection comes. On that loop only.
func (s *Server) loopOf(el gnet.EventLoop) (*loop, error) {
	for _, l := range s.knownLoops() {
		if l.el == el {
			return l, nil
		}
	}
	s.learning.Lock()
	defer s.learning.Unlock()
	known := s.knownLoops()
	local, remote, err := wakePair()
	if err != nil {
		return nil, err
	}
	l := newLoop(s, len(known), el, local)
	enrolled, err := el.Enroll(gnet.NewContext(context.Background(), l), remote)
	if err != nil {
		_ = unix.Close(local)
		_ = remote.Close()
		return nil, fmt.Errorf("enroll: %w", err)
	}
	go s.mustEnroll(enrolled)
	known = append(slices.Clip(known), l)
	s.loops.Store(&known)
	return l, nil
}

// mustEnroll ends the server if a loop's wake-up could not be enrolled: nobody could reach that loop any more.
func (s *Server) mustEnroll(enrolled <-chan gnet.RegisteredResult) {
	select {
	case r := <-enrolled:
		if r.Err != nil {
			s.cfg.Logger.Error("cannot wake a loop", "error", r.Err)
			s.stop()
		}
	case <-s.done:
	}
}

// wakePair returns the two ends of a socket pair: ours, non-blocking, and the one that the engine shall read.
func wakePair() (local int, remote net.Conn, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return 0, nil, os.NewSyscallError("socketpair", err)
	}
	for _, fd := range fds {
		unix.CloseOnExec(fd)
	}
	f := os.NewFile(uintptr(fds[1]), "wake")
	defer f.Close() // FileConn has its own duplicate
	if remote, err = net.FileConn(f); err == nil {
		err = os.NewSyscallError("setnonblock", unix.SetNonblock(fds[0], true))
	}
	if err != nil {
		_ = unix.Close(fds[0])
		return 0, nil, err
	}
	return fds[0], remote, nil
}

// engineLogger passes on what the engine has to say: its news as debug, its troubles as warnings.
type engineLogger struct{ log *slog.Logger }

func (e engineLogger) Debugf(string, ...any) {}
func (e engineLogger) Infof(format string, args ...any) {
	e.log.Debug("engine: " + fmt.Sprintf(format, args...))
}
func (e engineLogger) Warnf(format string, args ...any) {
	e.log.Warn("engine: " + fmt.Sprintf(format, args...))
}
func (e engineLogger) Errorf(format string, args ...any) {
	e.log.Error("engine: " + fmt.Sprintf(format, args...))
}
func (e engineLogger) Fatalf(format string, args ...any) {
	e.log.Error("engine: " + fmt.Sprintf(format, args...))
}
