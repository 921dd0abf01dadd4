package reactor

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// readBufferBytes is the read buffer that all conns of a loop share: the most that one conn gets read in a turn.
const readBufferBytes = 64 << 10

// CheckAddr says what is wrong with addr as a Config.Addr, short of trying it; nil for nothing.
func CheckAddr(addr string) error {
	if path, isUnix := unixPath(addr); isUnix {
		return checkUnixPath(path)
	}
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return fmt.Errorf("want host:port, or %s and a path", unixPrefix)
	}
	return nil
}

// bind takes the address, where there is one. release gives back what was needed only until the engine listens.
func (s *Server) bind() (release func(), err error) {
	if s.cfg.Listener != nil {
		s.addr, s.acceptor = s.cfg.Listener.Addr(), newAcceptor(s, s.cfg.Listener, func() {})
		return func() {}, nil
	}
	if s.cfg.Addr == "" {
		return func() {}, nil
	}
	if path, isUnix := unixPath(s.cfg.Addr); isUnix {
		var socket net.Listener
		if s.unix, socket, err = listenUnix(s, path); err != nil {
			return nil, err
		}
		s.acceptor = newAcceptor(s, socket, s.unix.remove)
		s.addr = &net.UnixAddr{Net: "unix", Name: path}
		return func() {}, nil
	}
	reserved, err := reservePort(s.cfg.Addr)
	if err != nil {
		return nil, err
	}
	s.addr = reserved.addr
	return reserved.release, nil
}

// run starts the engine, waits until its loops run, and gets to know them.
func (s *Server) run() error {
	events := &engineEvents{srv: s, running: make(chan struct{})}
	options := []gnet.Option{
		gnet.WithNumEventLoop(s.cfg.Loops),
		// Each loop accepts for itself, one connection per poll. With a common acceptor the whole backlog would be
		// accepted before the first OnOpen could enforce the cap, and running out of descriptors ends the engine.
		gnet.WithReusePort(true),
		gnet.WithReuseAddr(true), // else a restart fails for a minute, while old connections are in TIME_WAIT
		gnet.WithReadBufferCap(readBufferBytes),
		gnet.WithTicker(true),
		gnet.WithLogger(engineLogger{s.cfg.Logger}),
	}
	if s.addr == nil || s.acceptor != nil {
		s.runFed(events, options)
	} else {
		go func() { s.finish(gnet.Run(events, "tcp://"+engineAddr(s.addr.(*net.TCPAddr)), options...)) }()
	}
	select {
	case <-events.running:
	case <-s.done:
		return s.err
	}
	if err := s.learnLoops(); err != nil {
		s.stop()
		<-s.done
		return err
	}
	if s.acceptor != nil {
		s.acceptor.serve()
	}
	return nil
}

// runFed runs the engine without a listener: what it calls a client. Sockets come from ServeHTTP, and from the acceptor.
func (s *Server) runFed(events *engineEvents, options []gnet.Option) {
	client, err := gnet.NewClient(events, options...)
	if err == nil {
		err = client.Start()
	}
	if err != nil {
		s.finish(err)
		return
	}
	s.fed = client
}

// loopEnded is called when a loop's wake-up has been closed, which is when the loop has ended. Where the engine is fed, nobody
// else would notice that it did so unasked.
func (s *Server) loopEnded() {
	if s.fed == nil {
		return
	}
	if s.acceptor != nil {
		s.acceptor.loopEnded()
	}
	s.stop()
}

// stop makes the engine end, which makes the server finish. It does not wait.
func (s *Server) stop() {
	s.stopping.Do(func() {
		if s.fed != nil {
			go func() {
				if s.acceptor != nil {
					s.acceptor.close() // first: nobody would take over what it has given to the engine
				}
				s.finish(s.fed.Stop())
			}()
			return
		}
		ctx, cancel := context.WithCancel(context.Background())
		go func() {
			<-s.done
			cancel()
		}()
		go func() { _ = s.engine.Stop(ctx) }()
	})
}

// engineAddr is the address in the engine's words: it takes the unspecified IPv6 address for IPv6 alone, and no address for
// both families.
func engineAddr(addr *net.TCPAddr) string {
	if addr.IP.Equal(net.IPv6unspecified) {
		return fmt.Sprintf(":%d", addr.Port)
	}
	return addr.String()
}

// wakeEnd is what a loop is learnt by: the engine is given the reading end of its wake-ups, and this with it.
type wakeEnd struct {
	fd    int  // ours
	taken bool // by a loop; written on it, read when the engine has answered
}

// learnLoops makes our side of every loop, so that sockets can be given to any. The engine has no list of its loops, but it
// gives what is registered to one after the other, or to the one with the fewest connections: the reading ends of their
// wake-ups go one to each. A loop that a connection reaches before has made its own.
func (s *Server) learnLoops() error {
	for range s.cfg.Loops {
		fd, remote, err := wakePair()
		if err != nil {
			return err
		}
		w := &wakeEnd{fd: fd}
		err = s.register(w, remote)
		if !w.taken {
			_ = unix.Close(fd)
		}
		if err != nil {
			return fmt.Errorf("register: %w", err)
		}
	}
	if len(s.knownLoops()) == 0 {
		return errNotTaken
	}
	return nil
}

// register gives c to the loop of the engine's choice and waits for it. It takes ownership of c.
func (s *Server) register(w *wakeEnd, c net.Conn) error {
	if s.fed != nil {
		_, err := s.fed.EnrollContext(c, w)
		return err
	}
	ctx := gnet.NewContext(context.Background(), w)
	result, err := s.engine.Register(gnet.NewNetConnContext(ctx, c))
	if err != nil {
		_ = c.Close()
		return err
	}
	select {
	case r := <-result:
		return r.Err
	case <-s.done:
		return ErrEngineStopped
	}
}

// learn makes our side of the loop that w has come to, unless that has one. On that loop.
func (s *Server) learn(raw gnet.Conn, w *wakeEnd) gnet.Action {
	s.learning.Lock()
	defer s.learning.Unlock()
	el := raw.EventLoop()
	known := s.knownLoops()
	if slices.ContainsFunc(known, func(l *loop) bool { return l.el == el }) {
		return gnet.Close
	}
	l := newLoop(s, len(known), el, w.fd)
	w.taken = true
	raw.SetContext(l)
	close(l.ready)
	s.addLoop(l)
	return gnet.None
}

// addLoop makes l known. Under learning.
func (s *Server) addLoop(l *loop) {
	known := append(slices.Clip(s.knownLoops()), l)
	s.loops.Store(&known)
}

// loopOf returns our side of one of the engine's loops, made where a connection has come to it before learnLoops. On that
// loop only.
func (s *Server) loopOf(el gnet.EventLoop) (*loop, error) {
	for _, l := range s.knownLoops() {
		if l.el == el {
			return l, nil
		}
	}
	s.learning.Lock()
	defer s.learning.Unlock()
	local, remote, err := wakePair()
	if err != nil {
		return nil, err
	}
	l := newLoop(s, len(s.knownLoops()), el, local)
	enrolled, err := el.Enroll(gnet.NewContext(context.Background(), l), remote)
	if err != nil {
		_ = unix.Close(local)
		_ = remote.Close()
		return nil, fmt.Errorf("enroll: %w", err)
	}
	go s.mustEnroll(enrolled)
	s.addLoop(l)
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

// localAddr is our end of the conn's socket. The engine has names of its own for Unix sockets.
func (s *Server) localAddr(c *Conn) net.Addr {
	if s.unix != nil {
		return s.addr
	}
	return c.raw.LocalAddr()
}

// IsUnix reports whether addr, as Config.Addr has it, is that of a Unix socket.
func IsUnix(addr string) bool { return strings.HasPrefix(addr, unixPrefix) }

// unixPrefix of an address means a Unix socket.
const unixPrefix = "unix:"

func unixPath(addr string) (path string, isUnix bool) { return strings.CutPrefix(addr, unixPrefix) }
