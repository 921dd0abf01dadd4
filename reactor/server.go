package reactor

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"github.com/panjf2000/gnet/v2"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/pool"
	"github.com/wsedge/wsedge/tlsloop"
)

// Server runs WebSocket connections on event loops: those that come to the one address it listens on, TCP or Unix, and those
// that net/http brings to its ServeHTTP. All its methods are safe from any goroutine.
type Server struct {
	// Immutable after Start.
	cfg       Config
	origins   map[string]bool
	anyOrigin bool
	workers   *workers // nil: Config.Handler is called on the loops
	addr      net.Addr // nil: no listener
	engine    gnet.Engine
	unix      *unixListener   // nil: TCP
	acceptor  *acceptor       // of the Unix socket, or of Config.Listener; nil: the loops accept for themselves
	tls       *tlsloop.Engine // nil: no TLS
	fed       *gnet.Client    // the engine where it does not listen itself, else nil
	writable  *writablePoller
	http      *httpSide       // nil: no HTTP handler
	maxFiles  int64           // descriptors that connections may take
	dialing   context.Context // ends when Dial is to: the server drains, or has ended
	endDials  context.CancelFunc

	// Shared: atomic.
	tlsLoops      sync.Pool // of *tlsloop.Loop, for connections that net/http serves
	loops         atomic.Pointer[[]*loop]
	conns         atomic.Int64 // admitted connections, handed-over ones included
	httpConns     atomic.Int64
	bridged       atomic.Int64  // connections that take three descriptors
	nextLoop      atomic.Uint32 // for what ServeHTTP brings
	refusals      atomic.Int64  // refused connections that linger
	inFlightBytes atomic.Int64
	pressure      atomic.Int32          // see press
	takeovers     atomic.Int64          // conns with context takeover
	deflaters     [numClasses]sync.Pool // of *frame.Deflater, for publishers
	started       atomic.Bool
	draining      atomic.Bool

	counters counters // guards itself

	named     namedTopics   // guards itself
	enrolling enrolling     // guards itself
	bridges   bridges       // guards itself
	learning  sync.Mutex    // serialises additions to loops
	stopping  sync.Once     // stops the engine
	running   chan struct{} // closed when Start is done, successfully or not
	empty     chan struct{} // closed when draining and the last connection has gone
	emptied   sync.Once
	done      chan struct{} // closed when everything has ended; err is set before
	err       error
}

// Listen makes a server and starts it: New, then Start.
func Listen(cfg Config) (*Server, error) {
	s, err := New(cfg)
	if err == nil {
		err = s.Start()
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// New makes a server that does not listen yet, so that topics can be made before the first connection comes. The error is a *ConfigError, which
// names all that is wrong with the configuration.
func New(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	var engine *tlsloop.Engine
	if o := cfg.TLS; o != nil {
		engine, err = tlsloop.New(tlsloop.Config{TLS: o.Config, Compact: o.Compact, MaxHandshakes: o.MaxHandshakes, Permits: o.Permits})
		if err != nil {
			return nil, &ConfigError{[]FieldError{{"TLS", err}}}
		}
	}
	s := &Server{
		cfg: cfg, tls: engine, origins: make(map[string]bool), maxFiles: int64(maxConnsAllowed()),
		running: make(chan struct{}), empty: make(chan struct{}), done: make(chan struct{}),
	}
	if cfg.Blocking != nil {
		s.workers = newWorkers(s)
		s.cfg.Handler = s.workers
	}
	s.dialing, s.endDials = context.WithCancel(context.Background())
	s.loops.Store(new([]*loop))
	s.tlsLoops.New = func() any { return s.tls.NewLoop() }
	for _, o := range cfg.Origins {
		s.origins[o] = true
		s.anyOrigin = s.anyOrigin || o == "*"
	}
	return s, nil
}

// Start binds the address, if there is one, starts the loops and returns. Connections are served until Shutdown. It is called
// once: ErrStarted. Errors wrap those of the system: errors.Is finds syscall.EADDRINUSE.
func (s *Server) Start() error {
	if !s.started.CompareAndSwap(false, true) {
		return ErrStarted
	}
	defer close(s.running)
	release, err := s.bind()
	if err != nil {
		s.finish(err)
		return fmt.Errorf("reactor: listen on %s: %w", s.cfg.Addr, err)
	}
	defer release()
	if s.writable, err = newWritablePoller(s); err != nil {
		s.finish(err)
		return fmt.Errorf("reactor: %w", err)
	}
	growDescriptorTable(s.cfg.MaxConns + reserveFiles(openFileLimit()))
	if s.cfg.HTTP != nil {
		s.http = newHTTPSide(s)
	}
	if err := s.run(); err != nil {
		return fmt.Errorf("reactor: start on %q: %w", s.cfg.Addr, err)
	}
	return nil
}

// Addr returns the address listened on, with the port that was picked; nil where there is no listener.
func (s *Server) Addr() net.Addr { return s.addr }

// Wait returns when the server has ended: nil after Shutdown, ErrEngineStopped otherwise.
func (s *Server) Wait() error {
	<-s.done
	return s.err
}

// Shutdown ends the server with grace: new connections get 503 with Retry-After; open ones get what is queued for them and
// a close frame, spread over Config.DrainSpread, HTTP requests in flight finish; then the loops end. When ctx is done first, what is left is closed and
// ctx's error returned; so it is when a BlockingHandler has not come to its end; called by a BlockingHandler it does not wait for that. It can be called more than once, and does
// nothing before Start. On a loop: ErrOnLoop.
func (s *Server) Shutdown(ctx context.Context) error {
	if !s.started.Load() {
		return nil
	}
	if calledOnLoop() {
		return ErrOnLoop
	}
	<-s.running
	if s.draining.CompareAndSwap(false, true) {
		s.endDials()
		for _, l := range s.knownLoops() {
			l.inbox.put(post{kind: postDrain})
		}
		if s.http != nil {
			go s.http.shutdown(ctx)
		}
		if s.conns.Load() == 0 {
			s.emptied.Do(func() { close(s.empty) })
		}
	}
	var err error
	select {
	case <-s.empty:
	case <-s.done:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if s.acceptor != nil {
		s.acceptor.close()
	}
	s.enrolling.close()
	s.awaitReady()
	s.stop()
	<-s.done
	if s.workers != nil && !inBlockingHandler() {
		err = cmp.Or(err, s.workers.wait(ctx))
	}
	return err
}

// awaitReady waits until the engine has taken over all that was given to it. Stopped in the midst of that, it would keep a
// goroutine and two descriptors for each loop for ever.
func (s *Server) awaitReady() {
	for _, l := range s.knownLoops() {
		select {
		case <-l.ready:
		case <-s.done:
		}
	}
}

// finish runs when the engine has ended, and with it all loops: nobody else touches their state any more.
func (s *Server) finish(err error) {
	s.endDials()
	for _, l := range s.knownLoops() {
		l.inbox.close()
		for l.runq.len() > 0 {
			l.runq.pop().discard()
		}
		for g, gap := range l.paused {
			gap.Stop()
			g.discard()
		}
		l.receipts.end()
	}
	if s.acceptor != nil {
		s.acceptor.close()
	}
	if s.writable != nil {
		s.writable.close()
	}
	if s.http != nil {
		s.http.close()
	}
	s.bridges.cut()
	switch {
	case err != nil:
		s.err = err
	case !s.draining.Load():
		s.err = ErrEngineStopped
	}
	close(s.done)
}

// admit counts a new connection and reports whether it may stay.
func (s *Server) admit() bool {
	s.counters.accepted.Add(1)
	if n := s.conns.Add(1); n > int64(s.cfg.MaxConns) || !s.enoughFiles(n) || s.draining.Load() {
		s.release()
		return false
	}
	return true
}

// enoughFiles reports whether the limit of open files, less the reserve, leaves room for so many connections, each bridged one
// of which takes three.
func (s *Server) enoughFiles(conns int64) bool { return conns+2*s.bridged.Load() <= s.maxFiles }

// release gives the place of one connection back.
func (s *Server) release() {
	if s.conns.Add(-1) == 0 && s.draining.Load() {
		s.emptied.Do(func() { close(s.empty) })
	}
}

// leave is the end of a connection on the loops.
func (s *Server) leave(c *Conn, was connState) {
	switch {
	case c.flags&flagRefusal != 0:
		s.refusals.Add(-1)
	case was == stateHandedOver: // net/http has its place
	case c.isBridged():
		c.loop.peers[c].bridge.loopGone()
	default:
		s.release()
	}
	delete(c.loop.peers, c)
}

// refusal is the answer to who cannot be admitted now.
func (s *Server) refusal() *frame.HandshakeError {
	if s.draining.Load() {
		return statusDraining
	}
	return statusFull
}

// charge counts b among the bytes in flight until it is freed.
func (s *Server) charge(b *pool.Shared) { b.Charge(&s.inFlightBytes) }

// knownLoops returns the loops: all of them once Start has returned.
func (s *Server) knownLoops() []*loop { return *s.loops.Load() }
