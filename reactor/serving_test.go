package reactor

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"
)

func TestServeEndsWithItsContext(t *testing.T) {
	opened := newBox[*Conn]()
	s := prepare(t, Config{Handler: Funcs{Open: func(c *Conn) { opened <- c }}})
	start(t, s)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	c := dial(t, s, "/")
	opened.take(t)
	cancel()
	c.wantClose(CloseGoingAway, "shutdown")
	if err := s.Start(); !errors.Is(err, ErrStarted) {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestRunStartsAndEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Run(ctx, Config{Addr: "127.0.0.1:0", Handler: Funcs{}, Loops: 1}); err != nil {
		t.Error(err)
	}
	var wrong *ConfigError
	if err := Run(ctx, Config{}); !errors.As(err, &wrong) {
		t.Error(err)
	}
}

func TestServeReturnsWhatStartDoes(t *testing.T) {
	s := serve(t, Config{Handler: Funcs{}})
	err := Run(t.Context(), Config{Addr: s.Addr().String(), Handler: Funcs{}})
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("%v, want EADDRINUSE", err)
	}
}

func TestServeGivesUpAfterShutdownTimeout(t *testing.T) {
	release, entered := make(chan struct{}), newBox[bool]()
	s := prepare(t, Config{ShutdownTimeout: time.Millisecond, Blocking: blockingFuncs{message: func(*BlockingConn, string) { entered <- true; <-release }}})
	start(t, s)
	c := dial(t, s, "/")
	c.text("wait")
	entered.take(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Serve(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	close(release)
	if err := s.Serve(context.Background()); err != nil { // it has ended
		t.Error(err)
	}
}

func TestServeTellsOfAnEndUnasked(t *testing.T) {
	s := prepare(t, Config{Handler: Funcs{}})
	start(t, s)
	s.stop()
	if err := s.Serve(t.Context()); !errors.Is(err, ErrEngineStopped) {
		t.Error(err)
	}
}

// A Shutdown elsewhere ends Serve, which does not return before the handlers have: the program may end with it.
func TestServeWaitsForHandlers(t *testing.T) {
	release, entered := make(chan struct{}), newBox[bool]()
	s := prepare(t, Config{Blocking: blockingFuncs{message: func(*BlockingConn, string) { entered <- true; <-release }}})
	start(t, s)
	served := make(chan error, 1)
	go func() { served <- s.Serve(context.Background()) }()
	c := dial(t, s, "/")
	c.text("wait")
	entered.take(t)
	over, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Shutdown(over); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	select {
	case err := <-served:
		close(release)
		t.Fatalf("served: %v, with a call that runs", err)
	case <-time.After(20 * time.Millisecond): // longer only finds more
	}
	close(release)
	if err := <-served; err != nil {
		t.Error(err)
	}
}
