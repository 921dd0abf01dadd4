package reactor

import (
	"context"
	"testing"
)

// onEveryLoopCall has f called on a loop in every way that there is.
func onEveryLoopCall(t *testing.T, f func(s *Server)) {
	t.Helper()
	calls := newBox[string]()
	call := func(c *Conn, name string) { f(c.Server()); calls <- name }
	s := serve(t, Config{Handler: funcs{
		open:    func(c *Conn) { call(c, "OnOpen") },
		message: func(c *Conn, _ Opcode, _ []byte) { call(c, "OnMessage") },
		close:   func(c *Conn, _ End) { call(c, "OnClose") },
	}, Upgrade: func(c *Conn, _ *Request) (Accept, error) { call(c, "Upgrade"); return Accept{Context: 1}, nil }})
	c := dial(t, s, "/")
	c.text("hello")
	c.send(8, "\x03\xe8")
	for _, want := range []string{"Upgrade", "OnOpen", "OnMessage", "OnClose"} {
		if got := calls.take(t); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// What waits for the loops says so on a loop, at once, and does nothing, however deep the stack is.
func TestCalledOnALoop(t *testing.T) {
	var deep func(n int, f func())
	deep = func(n int, f func()) {
		if n == 0 {
			f()
			return
		}
		deep(n-1, f)
	}
	onEveryLoopCall(t, func(s *Server) {
		deep(200, func() {
			if _, _, err := s.Dial(context.Background(), s.address("/"), dialing(DialOptions{})); err != ErrOnLoop {
				t.Errorf("Dial: %v", err)
			}
			if err := s.Shutdown(context.Background()); err != ErrOnLoop || s.draining.Load() {
				t.Errorf("Shutdown: %v", err)
			}
			if err := s.StopAccepting(context.Background()); err != ErrOnLoop {
				t.Errorf("StopAccepting: %v", err)
			}
		})
	})
}

// A BlockingHandler may do all of it. A Shutdown of its own does not wait for it to return.
func TestBlockingHandlerShutsDown(t *testing.T) {
	there := serve(t, Config{Handler: echo})
	results := newBox[error]()
	s := serve(t, Config{Blocking: blockingFuncs{message: func(c *BlockingConn, _ string) {
		if c.Context != nil {
			return // the dialed one
		}
		_, _, err := c.Server().Dial(context.Background(), there.address("/"), dialing(DialOptions{Context: 1}))
		results <- err
		results <- c.Server().Shutdown(context.Background())
	}}})
	c := dial(t, s, "/")
	c.text("end it")
	c.wantClose(CloseGoingAway, "shutdown")
	for range 2 {
		if err := results.take(t); err != nil {
			t.Error(err)
		}
	}
	if err := s.Wait(); err != nil {
		t.Error(err)
	}
}
