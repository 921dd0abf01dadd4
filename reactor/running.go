package reactor

import (
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/panjf2000/gnet/v2"
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

// bind takes the address. release gives back what was needed only until the engine listens.
func (s *Server) bind() (release func(), err error) {
	if path, isUnix := unixPath(s.cfg.Addr); isUnix {
		if s.unix, err = listenUnix(s, path); err != nil {
			return nil, err
		}
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

// run starts the engine and waits until it listens.
func (s *Server) run() error {
	events := &engineEvents{srv: s, booted: make(chan struct{})}
	options := []gnet.Option{
		gnet.WithNumEventLoop(s.cfg.Loops),
		// Each loop accepts for itself, one connection per poll. With a common acceptor the whole backlog would be
		// accepted before the first OnOpen could enforce the cap, and running out of descriptors ends the engine.
		gnet.WithReusePort(true),
		gnet.WithReuseAddr(true), // else a restart fails for a minute, while old connections are in TIME_WAIT
		gnet.WithReadBufferCap(readBufferBytes),
		gnet.WithLogger(engineLogger{s.cfg.Logger}),
	}
	if s.unix != nil {
		return s.runFed(events, options)
	}
	go func() { s.finish(gnet.Run(events, "tcp://"+engineAddr(s.addr.(*net.TCPAddr)), options...)) }()
	select {
	case <-events.booted:
		return nil
	case <-s.done:
		return s.err
	}
}

// runFed runs the engine without a listener: what it calls a client. The Unix socket's listener feeds it.
func (s *Server) runFed(events *engineEvents, options []gnet.Option) error {
	client, err := gnet.NewClient(events, options...)
	if err == nil {
		err = client.Start()
	}
	if err != nil {
		s.finish(err)
		return err
	}
	s.fed = client
	s.unix.serve()
	return nil
}

// loopEnded is called when a loop's wake-up has been closed, which is when the loop has ended. Where the engine is fed, nobody
// else would notice that it did so unasked.
func (s *Server) loopEnded() {
	if s.fed != nil {
		s.unix.loopEnded()
		s.stop()
	}
}

// stop makes the engine end, which makes the server finish. It does not wait.
func (s *Server) stop() {
	s.stopping.Do(func() {
		if s.fed != nil {
			go func() {
				s.unix.close() // first: nobody would take over what it has given to the engine
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
