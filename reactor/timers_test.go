package reactor

import (
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

func TestHandshakeDeadline(t *testing.T) {
	clock := newClock()
	s := serve(t, Config{Loops: 1, Handler: echo, now: clock.Now, HandshakeTimeout: 5 * time.Second})
	honest := dial(t, s, "/")
	silent := connect(t, s)
	partial := connect(t, s)
	partial.write(handshakeBytes("/")[:20])
	eventually(t, "three connections", func() bool { return s.Stats().Connections == 3 })
	s.settle()
	clock.pass(s, 4900*time.Millisecond)
	partial.write([]byte("x")) // does not prolong it: the deadline is for the whole
	s.settle()
	if n := s.Stats().Connections; n != 3 {
		t.Fatalf("%d connections before the deadline, want 3", n)
	}
	clock.pass(s, 300*time.Millisecond)
	silent.wantEOF()
	if head := string(partial.head()); !strings.HasPrefix(head, "HTTP/1.1 408 ") {
		t.Errorf("answer %q, want 408", head)
	}
	honest.text("unharmed")
	honest.wantText("unharmed")
	if n := s.Stats().Refused["handshake_timeout"]; n != 2 {
		t.Errorf("%d counted, want 2", n)
	}
}

func TestHeartbeat(t *testing.T) {
	clock := newClock()
	s := serve(t, Config{Loops: 1, Handler: echo, now: clock.Now, PingInterval: 10 * time.Second, PongTimeout: 12 * time.Second})
	answering, dead, talking := dial(t, s, "/"), dial(t, s, "/"), dial(t, s, "/")
	clock.pass(s, 10*time.Second) // the first pings are spread over one interval
	for _, c := range []*client{answering, dead, talking} {
		c.want(frame.OpPing, "")
	}
	answering.send(frame.OpPong, "")
	// Any byte is a sign of life, and who shows them all the time is not pinged.
	for range 10 {
		talking.text("x")
		talking.wantText("x")
		answering.send(frame.OpPong, "unsolicited pongs as well")
		s.settle()
		clock.pass(s, 2*time.Second)
	}
	dead.wantClose(1008, "no_pong")
	if st := s.Stats(); st.Pings != 3 || st.Ended["no_pong"] != 1 || st.Open != 2 {
		t.Errorf("%d pings, %d ended, %d open; want 3, 1, 2", st.Pings, st.Ended["no_pong"], st.Open)
	}
}

func TestFirstPingsAreSpread(t *testing.T) {
	clock := newClock()
	s := serve(t, Config{Loops: 1, Handler: echo, now: clock.Now, PingInterval: 10 * time.Second})
	for range 200 {
		dial(t, s, "/")
	}
	most, before := int64(0), int64(0)
	for range 100 {
		clock.pass(s, tickPeriod)
		pings := s.Stats().Pings
		most, before = max(most, pings-before), pings
	}
	if before != 200 {
		t.Errorf("%d pings in one interval, want 200", before)
	}
	if most > 20 {
		t.Errorf("%d of 200 pings in one of 100 ticks", most)
	}
}

// After the process has stood still nobody is closed before its answer, which may be there already, has been read.
func TestStallJudgesNobody(t *testing.T) {
	clock := newClock()
	s := serve(t, Config{Loops: 1, Handler: echo, now: clock.Now, PingInterval: 10 * time.Second, PongTimeout: 12 * time.Second})
	c := dial(t, s, "/")
	clock.pass(s, 10*time.Second)
	c.want(frame.OpPing, "")
	clock.mu.Lock()
	clock.now = clock.now.Add(time.Hour)
	clock.mu.Unlock()
	s.knownLoops()[0].inbox.putTick(s.cfg.now())
	s.settle()
	c.send(frame.OpPong, "")
	c.text("alive")
	c.wantText("alive")
	clock.pass(s, 3*time.Second)
	c.text("still")
	c.wantText("still")
	if n := s.Stats().ClockStalls; n != 1 {
		t.Errorf("%d stalls counted, want 1", n)
	}
}

// Where stall follows stall, the clock goes slower but does not stand still.
func TestClockGoesOnUnderConstantStalls(t *testing.T) {
	clock := newClock()
	s := serve(t, Config{Loops: 1, Handler: echo, now: clock.Now, HandshakeTimeout: 5 * time.Second})
	silent := connect(t, s)
	eventually(t, "accepted", func() bool { return s.Stats().Connections == 1 })
	for range 200 {
		clock.mu.Lock()
		clock.now = clock.now.Add(time.Second)
		clock.mu.Unlock()
		s.knownLoops()[0].inbox.putTick(s.cfg.now())
		s.settle()
	}
	silent.wantEOF()
}

func TestUnfinishedMessage(t *testing.T) {
	clock := newClock()
	s := serve(t, Config{Loops: 1, Handler: echo, now: clock.Now, MessageTimeout: 5 * time.Second, PingInterval: -1})
	c := dial(t, s, "/")
	c.write([]byte{0x01, 0x81, 0, 0, 0, 0, 'a'}) // a fragment, not the last
	s.settle()
	clock.pass(s, 4*time.Second)
	c.send(frame.OpPing, "in between")
	c.want(frame.OpPong, "in between")
	clock.pass(s, 1200*time.Millisecond)
	c.wantClose(1008, "message_timeout")
}

// A peer that never answers the close frame does not keep the socket.
func TestCloseTimeout(t *testing.T) {
	clock := newClock()
	opened := newBox[*Conn]()
	s := serve(t, Config{Loops: 1, now: clock.Now, CloseTimeout: 5 * time.Second, LingerTimeout: time.Second,
		Handler: funcs{open: func(c *Conn) { opened <- c }}})
	c := dial(t, s, "/")
	onLoop(t, opened.take(t), func(c *Conn) { c.Close(1000, "") })
	c.want(frame.OpClose, "\x03\xe8")
	clock.pass(s, 4900*time.Millisecond)
	if n := s.Stats().Connections; n != 1 {
		t.Fatal("closed too early")
	}
	clock.pass(s, 300*time.Millisecond)
	eventually(t, "socket closed", func() bool { return s.Stats().Connections == 0 })
}

func TestWheel(t *testing.T) {
	var w wheel
	w.now = 1
	conns := make([]*Conn, 2000)
	for i := range conns {
		conns[i] = &Conn{}
		w.set(conns[i], uint32(2+i))
	}
	w.set(conns[0], 5)          // moved
	w.remove(conns[7])          // gone
	w.remove(conns[7])          // twice is nothing
	w.set(conns[8], 0)          // in the past: the next tick
	fired := map[*Conn]uint32{} // at which tick
	for range 3000 {
		for _, c := range w.advance(1) {
			if fired[c] != 0 {
				t.Fatal("fired twice")
			}
			fired[c] = w.now
		}
	}
	for i, c := range conns {
		want := uint32(2 + i)
		switch i {
		case 0:
			want = 5
		case 7:
			want = 0
		case 8:
			want = 2
		}
		if fired[c] != want {
			t.Errorf("conn %d fired at %d, want %d", i, fired[c], want)
		}
	}
}

// A loop that catches up on several ticks at once does not let a deadline pass that it has only just set.
func TestCatchingUpLeavesNewDeadlinesTheirTime(t *testing.T) {
	clock := newClock()
	s := serve(t, Config{Loops: 1, Handler: echo, now: clock.Now, MessageTimeout: tickPeriod, CloseTimeout: tickPeriod})
	c := dial(t, s, "/")
	c.write([]byte{0x81, 0x85, 1}) // a part of a message
	s.settle()
	clock.mu.Lock()
	clock.now = clock.now.Add(maxCatchUpTicks * tickPeriod)
	clock.mu.Unlock()
	s.knownLoops()[0].inbox.putTick(s.cfg.now())
	c.wantClose(1008, "message_timeout")
}
