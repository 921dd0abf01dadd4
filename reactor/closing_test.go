package reactor

import (
	"context"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// fillCork sends to the corked conn until a close frame makes its cork longer than what is joined for one write.
func fillCork(c *Conn) {
	for range 3 {
		_ = c.Send(frame.OpBinary, make([]byte, directBytes-1))
	}
	_ = c.Send(frame.OpBinary, make([]byte, maxJoinBytes-10-3*(directBytes+3)-4))
}

// Closing a conn whose socket fails, or whose queue is full, at that very moment ends it once.
func TestCloseWithAFullCork(t *testing.T) {
	for _, name := range []string{"peer gone", "congested"} {
		t.Run(name, func(t *testing.T) {
			clock := newClock()
			ended := newBox[End]()
			blocked, block := make(chan struct{}), make(chan struct{})
			s := serve(t, Config{Loops: 1, now: clock.Now, OutboundMaxBytes: 100_000, Handler: funcs{
				message: func(c *Conn, _ frame.Opcode, p []byte) {
					if string(p) == "fill" {
						_ = c.Send(frame.OpBinary, make([]byte, 4<<20))
						return
					}
					close(blocked)
					<-block
					fillCork(c)
					c.Close(1000, "a reason that is too much")
				},
				close: func(_ *Conn, e End) { ended <- e },
			}})
			stays := dial(t, s, "/")
			c := connect(t, s)
			_ = c.socket.SetReadBuffer(16 << 10)
			c.write(handshakeBytes("/"))
			c.wantSwitch()
			if name == "congested" {
				c.text("fill")
				eventually(t, "congested", func() bool { return s.Stats().Congested == 1 })
			}
			c.text("go")
			<-blocked
			if name == "peer gone" {
				_ = c.socket.SetLinger(0)
				c.Close()
			}
			close(block)
			ended.take(t)
			c.Close()
			clock.pass(s, 10*time.Second)
			if st := s.Stats(); len(ended) != 0 || st.Open != 1 || st.Connections != 1 {
				t.Errorf("OnClose again %d times, open %d and connections %d, want 1 and 1", len(ended), st.Open, st.Connections)
			}
			stays.Close()
		})
	}
}

// A hook that panics costs its conn nothing but the code, and others nothing at all.
func TestCloseCodePanics(t *testing.T) {
	clock := newClock()
	s := serve(t, Config{Loops: 1, now: clock.Now, PingInterval: 5 * time.Second, PongTimeout: 5 * time.Second, Handler: echo,
		CloseCode: func(*Conn, Cause) (frame.CloseCode, string) { panic("embedder") }})
	var clients []*client
	for range 50 {
		clients = append(clients, dial(t, s, "/"))
	}
	clock.pass(s, 20*time.Second)
	for _, c := range clients {
		c.skipTo(frame.OpClose)
		c.wantEOF()
	}
	if st := s.Stats(); st.Panics != 50 || st.Ended["no_pong"] != 50 {
		t.Errorf("%d panics, ended %v", st.Panics, st.Ended)
	}
}

// A hook that closes the conn itself has the last word.
func TestCloseCodeCloses(t *testing.T) {
	ended := newBox[End]()
	s := serve(t, Config{Loops: 1, MaxFrameRate: 10, MaxControlRate: 10,
		Handler: funcs{close: func(_ *Conn, e End) { ended <- e }},
		CloseCode: func(c *Conn, cause Cause) (frame.CloseCode, string) {
			c.Close(4000, "mine")
			return cause.Default()
		}})
	c := dial(t, s, "/")
	c.flood(times(100, emptyFrame(true, frame.OpText)))
	c.wantClose(4000, "mine")
	s.settle()
	if end := ended.take(t); end.Code != 4000 || len(ended) != 0 {
		t.Errorf("%+v, and %d more", end, len(ended))
	}
}

func TestShutdownDuringStart(t *testing.T) {
	for range 50 {
		s := prepare(t, Config{Loops: 2, Handler: echo})
		ended := make(chan error)
		go func() { ended <- s.Start() }()
		for !s.started.Load() {
		}
		if err := s.Shutdown(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	}
}
