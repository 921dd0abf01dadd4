package reactor

import (
	"errors"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/frame"
)

// batchServer has conns that are handed over when they are open.
func batchServer(t *testing.T, cfg Config) (*Server, box[*Conn]) {
	opened := newBox[*Conn]()
	cfg.Handler = funcs{open: func(c *Conn) {
		_ = c.Send(frame.OpText, []byte("ready"))
		opened <- c
	}}
	return serve(t, cfg), opened
}

func newTestBatch(t *testing.T, s *Server, payloads ...string) *Batch {
	t.Helper()
	b := s.NewBatch(10, 1)
	for _, p := range payloads {
		if err := b.Add(frame.OpText, []byte(p)); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func TestBatchGoesOutAlike(t *testing.T) {
	s, opened := batchServer(t, Config{Deflate: &DeflateOptions{}})
	payloads := []string{"one", "", strings.Repeat("two", 10_000), "three"}
	b := newTestBatch(t, s, payloads...)
	if want := 2 + 3 + 2 + 4 + 30_000 + 2 + 5; b.Len() != want {
		t.Errorf("%d bytes, want %d", b.Len(), want)
	}
	if err := b.Add(frame.OpPing, nil); !errors.Is(err, ErrOpcode) {
		t.Errorf("a ping: %v", err)
	}
	empty := newTestBatch(t, s)
	clients := []*client{dial(t, s, "/"), dial(t, s, "/"), dialDeflate(t, s, "/", plainOffer, noTakeover)}
	var conns []*Conn
	for range clients {
		conns = append(conns, opened.take(t))
	}
	before := s.Stats().MessagesOut
	for _, c := range conns {
		onLoop(t, c, func(c *Conn) {
			_ = c.Send(frame.OpText, []byte("before"))
			if err := errors.Join(c.SendBatch(b), c.SendBatch(empty)); err != nil {
				t.Error(err)
			}
			_ = c.Send(frame.OpText, []byte("behind"))
		})
	}
	b.Release()
	empty.Release()
	for _, c := range clients {
		c.wantText("ready")
		c.wantText("before")
		for _, p := range payloads {
			c.wantText(p)
		}
		c.wantText("behind")
	}
	if n := s.Stats().MessagesOut - before; n != int64(len(clients)*(len(payloads)+2)) {
		t.Errorf("%d messages counted", n)
	}
	onLoop(t, conns[0], func(c *Conn) {
		c.Close(frame.CloseNormal, "")
		late := newTestBatch(t, s, "late")
		if err := c.SendBatch(late); !errors.Is(err, ErrClosed) {
			t.Errorf("behind a close: %v", err)
		}
		late.Release()
	})
	clients[0].wantClose(frame.CloseNormal, "")
}

// A batch that waits for several conns is there once, and what is put behind it for one of them goes to no other.
func TestBatchIsHeldOnce(t *testing.T) {
	s, opened := batchServer(t, Config{OutboundMaxBytes: 64 << 20, OutboundMaxAge: patience})
	const conns, filler = 3, 8 << 20
	var clients []*client
	var open []*Conn
	for range conns {
		clients = append(clients, dialStalled(t, s))
		open = append(open, opened.take(t))
	}
	for _, c := range open {
		onLoop(t, c, func(c *Conn) { _ = c.Send(frame.OpText, []byte(strings.Repeat("f", filler))) })
	}
	eventually(t, "all congested", func() bool { return s.Stats().Congested == conns })
	small, large := newTestBatch(t, s, "small"), newTestBatch(t, s, strings.Repeat("l", 1<<20))
	held := s.inFlightBytes.Load()
	for i, c := range open {
		onLoop(t, c, func(c *Conn) {
			_ = c.SendBatch(large)
			_ = c.SendBatch(small)
			_ = c.Send(frame.OpText, []byte{'a' + byte(i)})
		})
	}
	if more := s.inFlightBytes.Load() - held; more > conns*1000 {
		t.Errorf("%d bytes more are held by %d conns that wait for the same", more, conns)
	}
	small.Release()
	large.Release()
	for i, c := range clients {
		c.wantText(strings.Repeat("f", filler))
		c.wantText(strings.Repeat("l", 1<<20))
		c.wantText("small")
		c.wantText(string('a' + rune(i)))
	}
	eventually(t, "nothing held", func() bool { return s.inFlightBytes.Load() == 0 })
}
