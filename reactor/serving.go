package reactor

import (
	"cmp"
	"context"
	"errors"
	"time"
)

// Run makes a server and serves until ctx is done: New, then Server.Serve. It is all that a program needs whose handler asks Conn.Server
// for topics:
//
//	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
//	defer stop()
//	err := reactor.Run(ctx, reactor.Config{Addr: "127.0.0.1:8080", Handler: h})
//
// Its errors are those of New and of Serve.
func Run(ctx context.Context, cfg Config) error {
	s, err := New(cfg)
	if err != nil {
		return err
	}
	return s.Serve(ctx)
}

// Serve starts the server, unless that was done, and returns when it has ended. When ctx is done it shuts down as Shutdown does, within
// Config.ShutdownTimeout: nil if all conns got their close frame and all handlers came to their end, context.DeadlineExceeded if some did not. Where Shutdown is
// called elsewhere it waits for the handlers as well. What Start or Wait returns otherwise: a server that ends unasked returns ErrEngineStopped.
func (s *Server) Serve(ctx context.Context) error {
	if err := s.Start(); err != nil && !errors.Is(err, ErrStarted) {
		return err
	}
	<-s.running // another goroutine's Start may be at it
	select {
	case <-ctx.Done():
	case <-s.done: // unasked, or by a Shutdown elsewhere: handlers may still be at it
	}
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.ShutdownTimeout)
	defer cancel()
	return cmp.Or(s.Shutdown(patience), s.Wait())
}

// shutdownPatience is Config.ShutdownTimeout beyond Config.DrainSpread where it is zero.
const shutdownPatience = 10 * time.Second
