package handshake

import (
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wsedge/wsedge/reactor"
)

// counting counts what it is told.
type counting struct {
	echoing
	opened, closed *atomic.Int64
}

func (c counting) OnOpen(*reactor.Conn)               { c.opened.Add(1) }
func (c counting) OnClose(*reactor.Conn, reactor.End) { c.closed.Add(1) }

// HS-30: a client that ends its side, or resets, at any place leaves nothing behind; and gets the answer, if its request was
// whole.
func TestEndBehindTheRequest(t *testing.T) {
	t.Parallel()
	handler := counting{opened: new(atomic.Int64), closed: new(atomic.Int64)}
	s := serve(t, reactor.Config{Handler: handler})
	for _, row := range []struct{ name, say, want string }{
		{"nothing", "", ""},
		{"one byte", "G", ""},
		{"half", upgrade[:len(upgrade)/2], ""},
		{"all but one", upgrade[:len(upgrade)-1], ""},
		{"handshake", upgrade, "101"},
		{"handshake and half a frame", upgrade + "\x81\x85\x00", "101"},
		{"bad request", with(": 13", ": 8"), "426 websocket_version"},
		{"garbage", "\x16", "400 control_byte"},
	} {
		p := connect(t, s.Addr())
		p.write(row.say)
		if err := p.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		switch row.want {
		case "101":
			p.wantSwitch()
			p.wantEnd()
		case "":
			p.wantEnd()
		default:
			p.wantRefusal(row.want, false)
		}
		p = connect(t, s.Addr())
		p.write(row.say)
		_ = p.SetLinger(0) // Close resets
		p.Close()
	}
	eventually(t, "all conns gone", func() bool { return s.Stats().Connections == 0 })
	if o, c := handler.opened.Load(), handler.closed.Load(); o != c || o < 2 {
		t.Errorf("%d opened, %d closed", o, c)
	}
	if n := s.Stats().Open; n != 0 {
		t.Errorf("%d WebSockets are open", n)
	}
}

// A refused client that stays is not waited for: the socket is closed, not only one side of it.
func TestRefusedSocketIsClosed(t *testing.T) {
	t.Parallel()
	s := serve(t, reactor.Config{LingerTimeout: 100 * time.Millisecond})
	p := connect(t, s.Addr())
	p.write(with(": 13", ": 8") + behind)
	p.wantRefusal("426 websocket_version", false)
	eventually(t, "a write that fails", func() bool {
		_, err := p.Write([]byte(behind))
		return err != nil
	})
	if n := s.Stats().Refused["websocket_version"]; n != 1 {
		t.Errorf("%d refusals, want 1: of the first request, and of no other", n)
	}
}

// HS-29: the deadline is a total one, for those who say nothing and for those who say a part.
func TestDeadline(t *testing.T) {
	t.Parallel()
	s := serve(t, reactor.Config{HandshakeTimeout: 2 * time.Second}) // long for a client to say its part
	for _, part := range []string{"", "G", requestLine[:9], requestLine, upgrade[:len(upgrade)-2], upgrade[:len(upgrade)-1]} {
		t.Run(fmt.Sprintf("HS-29/%d bytes", len(part)), func(t *testing.T) {
			t.Parallel()
			p := connect(t, s.Addr())
			p.write(part)
			if part == "" {
				p.wantEnd()
			} else {
				p.wantRefusal("408 handshake_timeout", false)
			}
		})
	}
}

// H1: sockets that stay silent or dribble keep nobody out, and end at the deadline: each byte buys them nothing.
func TestH1Slowloris(t *testing.T) {
	t.Parallel()
	const many = 500
	s := serve(t, reactor.Config{HandshakeTimeout: 2 * time.Second, LingerTimeout: patience})
	idle, ended := make([]*peer, many), make(chan struct{})
	dribbling, done := make([]*peer, many), make(chan error, many)
	for i := range many {
		idle[i], dribbling[i] = connect(t, s.Addr()), connect(t, s.Addr())
		dribbling[i].write("G") // who has said nothing at the deadline gets no answer, and all of them take a while to connect
		go func() { done <- hearTimeout(dribbling[i]) }()
	}
	go dribble(dribbling, ended)
	for range many { // honest ones
		p := connect(t, s.Addr())
		p.write(upgrade)
		p.wantSwitch()
		p.wantEcho()
		p.Close()
	}
	for range many {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	close(ended)
	for _, p := range idle {
		p.wantEnd()
		p.Close()
	}
	eventually(t, "all conns gone", func() bool { return s.Stats().Connections == 0 })
	if n := s.Stats().Refused["handshake_timeout"]; n != 2*many {
		t.Errorf("%d timed out, want %d", n, 2*many)
	}
}

// dribble sends a head that never ends, to all a byte at a time, until ended is closed.
func dribble(peers []*peer, ended <-chan struct{}) {
	pace := time.NewTicker(20 * time.Millisecond) // 100 times shorter than the deadline
	defer pace.Stop()
	for _, c := range headOf(8192)[1:8000] {
		for _, p := range peers {
			_, _ = p.Write([]byte{byte(c)}) // fails once the server has closed
		}
		select {
		case <-ended:
			return
		case <-pace.C:
		}
	}
}

// hearTimeout reads a 408 and the end, and closes.
func hearTimeout(p *peer) error {
	defer p.Close()
	answer, err := readReply(p.r, false)
	if err == nil && answer.status != 408 {
		return fmt.Errorf("%+v to who dribbles", answer)
	}
	if err != nil {
		return fmt.Errorf("to who dribbles: %+v %w", answer, err)
	}
	if c, err := p.r.ReadByte(); err != io.EOF {
		return fmt.Errorf("behind the 408: %q, %w", c, err)
	}
	return nil
}
