package reactor

import (
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"github.com/panjf2000/gnet/v2"
)

// engineEvents is what the engine calls. It finds the loop and the conn, and guards the process against our own panics,
// which the engine would let through.
type engineEvents struct {
	gnet.BuiltinEventEngine
	srv     *Server
	running chan struct{} // closed by the first tick, which comes when all loops run
	ticked  sync.Once
}

func (e *engineEvents) OnBoot(engine gnet.Engine) gnet.Action {
	e.srv.engine = engine
	return gnet.None
}

// OnTick tells the loops that time passes. What they make of it is theirs: it comes on a goroutine of its own.
func (e *engineEvents) OnTick() (delay time.Duration, action gnet.Action) {
	e.ticked.Do(func() { close(e.running) })
	now := e.srv.cfg.now()
	for _, l := range e.srv.knownLoops() {
		l.inbox.putTick(now)
	}
	return tickPeriod, gnet.None
}

// OnOpen comes for each accepted socket, for what is enrolled, and for the reading end of a loop's wake-up.
func (e *engineEvents) OnOpen(raw gnet.Conn) (out []byte, action gnet.Action) {
	switch x := raw.Context().(type) {
	case *loop:
		close(x.ready)
		return nil, gnet.None
	case *wakeEnd:
		return nil, e.srv.learn(raw, x)
	}
	l, err := e.srv.loopOf(raw.EventLoop())
	if err != nil {
		e.srv.cfg.Logger.Error("cannot set up a loop", "error", err)
		return nil, gnet.Close
	}
	if x, ok := raw.Context().(*enrollment); ok {
		c := l.newEnrolled(raw, x)
		defer e.guard(l, c)
		l.openEnrolled(c, x)
		return nil, gnet.None
	}
	defer e.guard(l, nil)
	l.enter()
	defer l.exit()
	return nil, l.open(raw)
}

// open begins the life of a connection.
func (l *loop) open(raw gnet.Conn) gnet.Action {
	s := l.srv
	l.accepted = true
	c := newConn(l, raw)
	if zoned, ok := raw.Context().(*net.TCPAddr); ok {
		l.peers[c] = peer{addr: zoned}
	}
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
	if s.cfg.ProxyProtocol.contains(raw.RemoteAddr()) {
		c.flags |= flagUnannounced
	} else if !c.enterNewcomer() {
		c.gone(nil)
		return gnet.Close
	}
	if s.tls != nil {
		c.seal()
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
