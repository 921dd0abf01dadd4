package reactor

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/pool"
)

// The rest of a reply that the socket took in part belongs to a frame that has begun: it goes out before the close frame.
func TestSlowCloseBehindATornReply(t *testing.T) {
	ended := newBox[End]()
	h := echo
	h.close = func(_ *Conn, e End) { ended <- e }
	s := serve(t, Config{Loops: 1, Handler: h, OutboundMaxBytes: 20_000, CloseTimeout: patience, LingerTimeout: patience})
	c := connect(t, s)
	_ = c.socket.SetReadBuffer(32 << 10)
	c.write(handshakeBytes("/"))
	c.wantSwitch()
	payload := strings.Repeat("x", 10_000)
	written := make(chan struct{})
	go func() { // until the server has had enough and the deadline below ends it
		defer close(written)
		for {
			if _, err := c.Conn.Write(frame.AppendMaskedFrame(nil, frame.OpBinary, []byte(payload), [4]byte{})); err != nil {
				return
			}
		}
	}()
	if end := ended.take(t); end.Reason != "slow_consumer" {
		t.Fatalf("ended with %+v", end)
	}
	_ = c.SetWriteDeadline(time.Now())
	<-written
	for n := 0; ; n++ {
		op, got, err := c.next()
		if err != nil {
			t.Fatalf("after %d echoes: %v", n, err)
		}
		if op == frame.OpClose {
			return
		}
		if got != payload {
			t.Fatalf("echo %d is torn: %d bytes, %q inside", n, len(got), strings.Trim(got, "x"))
		}
	}
}

// A peer that sends one message after the other, each cut by the end of a read, is not late with any of them.
func TestMessageTimeoutIsForOneMessage(t *testing.T) {
	clock := newClock()
	got := newBox[int]()
	s := serve(t, Config{Loops: 1, now: clock.Now, MessageTimeout: 5 * time.Second,
		Handler: funcs{message: func(_ *Conn, _ frame.Opcode, p []byte) { got <- len(p) }}})
	c := dial(t, s, "/")
	f := frame.AppendMaskedFrame(nil, frame.OpBinary, make([]byte, 100), [4]byte{1, 2, 3, 4})
	c.write(f[:50])
	for i := range 100 { // each message takes 100 ms
		c.flood(f[50:], f[:50])
		if n := got.take(t); n != 100 {
			t.Fatal(n)
		}
		s.settle()
		clock.pass(s, tickPeriod)
		if n := s.Stats().Ended["message_timeout"]; n != 0 {
			t.Fatalf("closed after %d messages of 100 ms each", i+1)
		}
	}
	// A ping in between does not make a message whole.
	c.flood(f[50:], emptyFrame(false, frame.OpText))
	got.take(t)
	for range 60 {
		c.send(frame.OpPing, "")
		s.settle()
		clock.pass(s, tickPeriod)
	}
	c.skipTo(frame.OpClose)
	if n := s.Stats().Ended["message_timeout"]; n != 1 {
		t.Errorf("%d ended for a message that was never finished, want 1", n)
	}
}

// What one callback sends to the conn that it is called for counts against the conn's limit like any other output.
func TestLimitHoldsWithinOneCallback(t *testing.T) {
	h := funcs{message: func(c *Conn, op frame.Opcode, p []byte) {
		for range 2000 {
			if c.Send(op, make([]byte, 10_000)) != nil {
				return
			}
		}
	}}
	s := serve(t, Config{Loops: 1, Handler: h, OutboundMaxBytes: 100_000, CloseTimeout: patience})
	c := connect(t, s)
	_ = c.socket.SetReadBuffer(32 << 10)
	c.write(handshakeBytes("/"))
	c.wantSwitch()
	c.text("go")
	eventually(t, "closed as slow", func() bool { return s.Stats().Ended["slow"] == 1 })
	if n := s.Stats().QueuedBytes; n > 200_000 {
		t.Errorf("%d bytes queued, limit 100,000", n)
	}
	c.skipTo(frame.OpClose)
}

// Where other topics leave too little room, the newest of a topic takes the place of the one that was dropped for it.
func TestConflatingKeepsOneOfTheTopic(t *testing.T) {
	for _, policy := range []SlowPolicy{KeepLatest, DropOldest} {
		t.Run(policy.dropReason().String(), func(t *testing.T) {
			s, topic, opened := onTopic(t, Config{Loops: 1, OutboundMaxBytes: 100_000, OutboundMaxAge: time.Hour}, TopicOptions{Policy: policy})
			other := s.NewTopic(TopicOptions{})
			c := dialStalled(t, s)
			onLoop(t, opened.take(t), func(c *Conn) { _ = c.Subscribe(other) })
			for s.Stats().Congested == 0 {
				_, _ = other.Broadcast(frame.OpBinary, make([]byte, 8000))
				s.settle()
			}
			for q := s.Stats().QueuedBytes; q <= 97_000; q = s.Stats().QueuedBytes { // almost full of what another topic sent
				_, _ = other.Broadcast(frame.OpBinary, make([]byte, min(1000, 98_500-q)))
				s.settle()
			}
			for i, size := range []int{1000, 3000} {
				_, _ = topic.Broadcast(frame.OpText, fmt.Appendf(nil, "state %d%s", i, strings.Repeat(".", size)))
				s.settle()
			}
			_, _ = other.Broadcast(frame.OpText, nil) // too much at last: the conn ends as slow, and nothing is lost that must arrive
			if drops := s.Stats().Drops[policy.dropReason().String()]; drops != 1 {
				t.Errorf("%d dropped, want the older state alone", drops)
			}
			c.Close()
		})
	}
}

// The node's limit is one of memory: small publications count with what it costs to have them wait.
func TestSmallPublicationsCountWithTheirMemory(t *testing.T) {
	s, topic, opened := onTopic(t, Config{Loops: 1}, TopicOptions{})
	c := dialReady(t, s)
	block, blocked := make(chan struct{}), make(chan struct{})
	opened.take(t).Post(func(*Conn) { close(blocked); <-block })
	<-blocked
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	for range 200_000 {
		if _, err := topic.Broadcast(frame.OpText, []byte("12345678")); err != nil {
			t.Fatal(err)
		}
	}
	grown, counted := heap()-before, s.Stats().InFlightBytes
	close(block)
	c.Close()
	if grown > 2*counted {
		t.Errorf("the heap grew by %d bytes, %d are counted", grown, counted)
	}
}

// Every publication that a subscriber was counted for is delivered, and, where its peer turns out to be gone, dropped.
func TestPublicationsToAPeerThatIsGoneAreCounted(t *testing.T) {
	s, topic, opened := onTopic(t, Config{Loops: 1}, TopicOptions{})
	c := dialReady(t, s)
	conn := opened.take(t)
	block, blocked := make(chan struct{}), make(chan struct{})
	conn.Post(func(*Conn) { close(blocked); <-block })
	<-blocked
	matched, err := topic.Broadcast(frame.OpText, []byte("lost"))
	if matched != 1 || err != nil {
		t.Fatal(matched, err)
	}
	_ = c.socket.SetLinger(0)
	c.Close() // a reset, which the server's side of the loopback has seen when Close returns
	close(block)
	// The turn that finds out counts what it delivered when it is over.
	eventually(t, "gone, and counted", func() bool { st := s.Stats(); return st.Connections == 0 && st.Deliveries != 0 })
	st := s.Stats()
	if st.Deliveries != 1 || st.Drops["peer_gone"] != 1 {
		t.Errorf("%d deliveries, drops %v; want one of each", st.Deliveries, st.Drops)
	}
}

// A form whose gap lets less through than is published ends its subscribers as slow, and does not fill the node.
func TestGapDoesNotFillTheNode(t *testing.T) {
	s, topic, _ := onTopic(t, Config{Loops: 1, Forms: []FormOptions{{Gap: time.Hour}}, OutboundMaxBytes: 10_000}, TopicOptions{})
	c := dialReady(t, s)
	for s.Stats().Open == 1 {
		if _, err := topic.Broadcast(frame.OpBinary, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		s.settle()
	}
	c.skipTo(frame.OpClose)
	if n := s.Stats().Ended["slow"]; n != 1 {
		t.Errorf("%d ended as slow, want 1", n)
	}
}

// One publication above the limit is no overflow of a gap, whatever the policy.
func TestGapLetsOneLargePublicationThrough(t *testing.T) {
	for _, policy := range []SlowPolicy{Disconnect, DropOldest, DropNewest, KeepLatest} {
		s, topic, _ := onTopic(t, Config{Loops: 1, Forms: []FormOptions{{Gap: time.Millisecond}}, OutboundMaxBytes: 1000}, TopicOptions{Policy: policy})
		c := dialReady(t, s)
		large := strings.Repeat("x", 5000)
		_, _ = topic.Broadcast(frame.OpText, []byte(large))
		c.wantText(large)
	}
}

// Publications that wait for a gap are given back when the server ends, also when the gap has just passed.
func TestGapAtTheEnd(t *testing.T) {
	before := pool.Outstanding()
	s, topic, opened := onTopic(t, Config{Loops: 1, Forms: []FormOptions{{Gap: time.Hour}}}, TopicOptions{})
	c := dialReady(t, s)
	conn := opened.take(t)
	for range 5 {
		_, _ = topic.Broadcast(frame.OpText, []byte("x"))
	}
	c.wantText("x")
	s.settle() // four wait
	blocked, block := make(chan struct{}), make(chan struct{})
	conn.Post(func(c *Conn) {
		close(blocked)
		<-block
		c.loop.inbox.put(post{kind: postResume, group: topic.groupOn(c.loop, 0)})
	})
	<-blocked
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	ending := make(chan error)
	go func() { ending <- s.Shutdown(ctx) }()
	eventually(t, "draining", s.draining.Load)
	close(block)
	<-ending
	_ = s.Wait()
	eventually(t, "all given back", func() bool { return pool.Outstanding() == before })
}

// The newest state arrives also where what the socket has begun leaves too little room for it.
func TestConflatingBehindALargeFrame(t *testing.T) {
	for _, policy := range []SlowPolicy{KeepLatest, DropOldest} {
		s, topic, _ := onTopic(t, Config{Loops: 1, OutboundMaxBytes: 100_000, OutboundMaxAge: time.Hour}, TopicOptions{Policy: policy})
		c := dialStalled(t, s)
		state := func(n int) {
			b := make([]byte, 98_000)
			b[0] = byte(n)
			_, _ = topic.Broadcast(frame.OpBinary, b)
			s.settle()
		}
		n := 0
		for ; s.Stats().Congested == 0; n++ {
			state(n)
		}
		for range 5 {
			state(n)
			n++
		}
		for last := -1; last != n-1; {
			op, payload, err := c.next()
			if err != nil || op != frame.OpBinary {
				t.Fatalf("%v: after state %d of %d: %v, %v", policy.dropReason(), last, n, op, err)
			}
			last = int(payload[0])
		}
		c.Close()
	}
}
