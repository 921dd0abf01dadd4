package reactor

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/frame"
)

func TestRemoteSendsFromAnyGoroutineInOrder(t *testing.T) {
	opened := newBox[*Conn]()
	s := serve(t, Config{Deflate: &DeflateOptions{}, Handler: Funcs{Open: func(c *Conn) { opened <- c }}})
	c := dial(t, s, "/")
	r := opened.take(t).Remote()
	if r.Server() != s {
		t.Error("another server")
	}
	for i := range 100 {
		if err := r.Send(Text, fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Ping([]byte("p")); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(CloseNormal, "bye"); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		c.wantText(fmt.Sprint(i))
	}
	c.want(frame.OpPing, "p")
	c.wantClose(CloseNormal, "bye")
}

// One batch for several conns; the caller lets go of it at once.
func TestRemoteSendBatchToSome(t *testing.T) {
	opened := newBox[*Conn]()
	s := serve(t, Config{Handler: Funcs{Open: func(c *Conn) { opened <- c }}})
	a, b := dial(t, s, "/"), dial(t, s, "/")
	batch := s.NewBatch(64, 2)
	for _, text := range []string{"one", "two"} {
		if err := batch.Add(Text, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := opened.take(t).Remote().SendBatch(batch); err != nil {
			t.Fatal(err)
		}
	}
	batch.Release()
	for _, c := range []*client{a, b} {
		c.wantText("one")
		c.wantText("two")
	}
}

// What is sent to a conn that has closed, or left in the inbox of a loop that has ended, is given back: the harness counts.
func TestRemoteOfAClosedConn(t *testing.T) {
	opened, closed := newBox[*Conn](), newBox[End]()
	s := serve(t, Config{Handler: Funcs{Open: func(c *Conn) { opened <- c }, Close: func(_ *Conn, end End) { closed <- end }}})
	c := dial(t, s, "/")
	r := opened.take(t).Remote()
	_ = c.Close()
	closed.take(t)
	if err := r.Send(Text, []byte("late")); err != nil {
		t.Error(err)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"Send": r.Send(Text, nil), "Ping": r.Ping(nil), "Close": r.Close(CloseNormal, ""),
		"Subscribe": r.Subscribe(s.Topic("t")), "Unsubscribe": r.Unsubscribe(s.Topic("t")),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestRemoteRefusesWhatCannotBeSent(t *testing.T) {
	opened := newBox[*Conn]()
	s := serve(t, Config{NodeMaxBytes: 4 << 10, Handler: Funcs{Open: func(c *Conn) { opened <- c }}})
	dial(t, s, "/")
	c := opened.take(t)
	if err := c.Remote().Send(frame.OpPing, nil); !errors.Is(err, ErrOpcode) {
		t.Error(err)
	}
	if err := c.Remote().Ping([]byte(strings.Repeat("x", 126))); !errors.Is(err, ErrControlTooLong) {
		t.Error(err)
	}
	onLoop(t, c, func(c *Conn) { // while the loop is here, what is handed over waits
		var err error
		for range 100 {
			if err = c.Remote().Send(Text, make([]byte, 1000)); err != nil {
				break
			}
		}
		if !errors.Is(err, ErrBacklog) {
			t.Error(err)
		}
	})
	if s.Stats().Backlogged == 0 {
		t.Error("not counted")
	}
}
