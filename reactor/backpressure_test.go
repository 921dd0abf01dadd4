package reactor

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// numbered is a publication that carries its number and is large enough to fill sockets fast.
func numbered(n int) []byte {
	return binary.BigEndian.AppendUint32(bytes.Repeat([]byte{'.'}, 8000), uint32(n))
}

func numberOf(payload string) int {
	return int(binary.BigEndian.Uint32([]byte(payload[len(payload)-4:])))
}

// dialStalled opens a subscribed conn whose receive buffer is small and that does not read on.
func dialStalled(t testing.TB, s *Server) *client {
	t.Helper()
	c := connect(t, s)
	_ = c.socket.SetReadBuffer(32 << 10)
	c.write(handshakeBytes("/"))
	c.wantSwitch()
	c.wantText("ready")
	return c
}

// overflow publishes until some conn of the server is congested and its queue has overflowed, as drops say.
func overflow(t testing.TB, s *Server, topic *Topic, reason DropReason) (published int) {
	t.Helper()
	for s.Stats().Drops[reason.String()] == 0 {
		published++
		if published > 100_000 {
			t.Fatal("never overflows")
		}
		if _, err := topic.Broadcast(frame.OpBinary, numbered(published)); err != nil {
			t.Fatal(err)
		}
		s.settle()
	}
	return published
}

// readNumbers reads publications until the last one, or the close frame.
func readNumbers(t testing.TB, c *client, last int) (numbers []int, closed string) {
	t.Helper()
	for {
		op, payload, err := c.next()
		if err != nil {
			t.Fatalf("after %d publications: %v", len(numbers), err)
		}
		if op == frame.OpClose {
			return numbers, payload
		}
		if len(payload) != 8004 || strings.Trim(payload[:8000], ".") != "" {
			t.Fatal("torn publication")
		}
		n := numberOf(payload)
		if len(numbers) > 0 && n <= numbers[len(numbers)-1] {
			t.Fatalf("%d after %d", n, numbers[len(numbers)-1])
		}
		numbers = append(numbers, n)
		if n == last {
			return numbers, ""
		}
	}
}

func TestSlowConsumerPolicies(t *testing.T) {
	for _, tc := range []struct {
		name   string
		policy SlowPolicy
		reason DropReason
	}{
		{"disconnect", Disconnect, DropSlow},
		{"drop oldest", DropOldest, DropOldestFirst},
		{"drop newest", DropNewest, DropNewestFirst},
		{"keep latest", KeepLatest, DropConflated},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, topic, _ := onTopic(t, Config{Loops: 1, OutboundMaxBytes: 100_000, OutboundMaxAge: patience, CloseTimeout: patience}, TopicOptions{Policy: tc.policy})
			slow, healthy := dialStalled(t, s), dialReady(t, s)
			healthyGot := newBox[int]()
			go func() {
				for {
					_, payload, err := healthy.next()
					if err != nil {
						close(healthyGot)
						return
					}
					healthyGot <- numberOf(payload)
				}
			}()
			published := overflow(t, s, topic, tc.reason)
			if st := s.Stats(); st.QueuedBytes > 100_000+maxBatchBytes { // one entry may be above
				t.Errorf("%d bytes queued, limit 100,000", st.QueuedBytes)
			}
			for want := range published {
				if got := healthyGot.take(t); got != want+1 {
					t.Fatalf("the other conn got %d, want %d", got, want+1)
				}
			}
			checkSlow(t, s, topic, slow, published, tc.policy)
			dropped := s.Stats().Drops[tc.reason.String()]
			if dropped == 0 {
				t.Error("no drop counted")
			}
			healthy.Close()
			for range healthyGot { // until its reader has ended
			}
		})
	}
}

// checkSlow reads what the slow conn gets once it reads again: some, a gap, and what its policy promises.
func checkSlow(t *testing.T, s *Server, topic *Topic, slow *client, published int, policy SlowPolicy) {
	if policy == Disconnect {
		_, closed := readNumbers(t, slow, -1)
		if closed != "\x03\xf0slow_consumer" {
			t.Errorf("closed with %q", closed)
		}
		return
	}
	done := make(chan struct{})
	var numbers []int
	go func() {
		defer close(done)
		numbers, _ = readNumbers(t, slow, published+1)
	}()
	if policy != DropNewest {
		_, _ = topic.Broadcast(frame.OpBinary, numbered(published+1))
	} else { // the last is sure to arrive only when there is room again
		eventually(t, "drained", func() bool { return s.Stats().QueuedBytes == 0 })
		_, _ = topic.Broadcast(frame.OpBinary, numbered(published+1))
	}
	<-done
	total := int64(len(numbers))
	var dropped int64
	for _, n := range s.Stats().Drops {
		dropped += n
	}
	if total+dropped != int64(published+1) {
		t.Errorf("%d received and %d dropped of %d", total, dropped, published+1)
	}
	if policy == DropNewest && numbers[len(numbers)-2] == published {
		t.Error("the newest was not dropped")
	}
	eventually(t, "not congested any more", func() bool { return s.Stats().Congested == 0 })
}

// Nothing of a topic, and no reply, is torn or repeated when the socket takes a few bytes at a time.
func TestPartialWritesKeepFramesWhole(t *testing.T) {
	s, topic, opened := onTopic(t, Config{Loops: 1, OutboundMaxBytes: 64 << 20, OutboundMaxAge: patience, CloseTimeout: patience}, TopicOptions{})
	c := dialStalled(t, s)
	server := opened.take(t)
	rng := rand.New(rand.NewPCG(1, 2))
	var want [][]byte
	for i := range 300 {
		payload := make([]byte, rng.IntN(40_000))
		for j := range payload {
			payload[j] = byte(i + j)
		}
		want = append(want, payload)
		if i%3 == 0 {
			onLoop(t, server, func(c *Conn) { _ = c.Send(frame.OpBinary, payload) })
		} else {
			_, _ = topic.Broadcast(frame.OpBinary, payload)
			s.settle()
		}
	}
	for i, payload := range want {
		op, got, err := c.next()
		if err != nil || op != frame.OpBinary || got != string(payload) {
			t.Fatalf("publication %d: %v, %d bytes, %v; want %d bytes", i, op, len(got), err, len(payload))
		}
	}
}

// A close frame behind a backlog, with input unread on the server's side, arrives all the same.
func TestCloseFrameBehindABacklog(t *testing.T) {
	s, topic, opened := onTopic(t, Config{Loops: 1, OutboundMaxBytes: 64 << 20, OutboundMaxAge: patience, CloseTimeout: patience}, TopicOptions{})
	c := dialStalled(t, s)
	server := opened.take(t)
	for n := range 500 {
		_, _ = topic.Broadcast(frame.OpBinary, numbered(n))
	}
	s.settle()
	onLoop(t, server, func(c *Conn) { c.Close(4321, "behind it all") })
	for range 20 {
		c.send(frame.OpBinary, strings.Repeat("unread", 1000))
	}
	numbers, closed := readNumbers(t, c, -1)
	if len(numbers) != 500 || closed != "\x10\xe1behind it all" {
		t.Errorf("%d publications, closed with %q", len(numbers), closed)
	}
}

func TestOneMessageMayExceedTheOutboundLimit(t *testing.T) {
	s := serve(t, Config{Handler: echo, MaxMessageBytes: 16 << 20, OutboundMaxBytes: 1000})
	c := dial(t, s, "/")
	payload := strings.Repeat("x", 8<<20)
	go func() {
		_, _ = c.Write(frame.AppendMaskedFrame(nil, frame.OpBinary, []byte(payload), [4]byte{1, 2, 3, 4}))
	}()
	c.want(frame.OpBinary, payload)
}

func TestWhoDoesNotReadItsEchoesIsClosed(t *testing.T) {
	ended := newBox[End]()
	h := echo
	h.close = func(_ *Conn, e End) { ended <- e }
	s := serve(t, Config{Handler: h, OutboundMaxBytes: 10_000, CloseTimeout: time.Second})
	c := connect(t, s)
	_ = c.socket.SetReadBuffer(32 << 10)
	c.write(handshakeBytes("/"))
	c.wantSwitch()
	go func() { // until the server has had enough
		for {
			if _, err := c.Write(frame.AppendMaskedFrame(nil, frame.OpBinary, make([]byte, 30_000), [4]byte{})); err != nil {
				return
			}
		}
	}()
	if e := ended.take(t); e.Code != frame.ClosePolicyViolation || e.Reason != "slow_consumer" {
		t.Errorf("end %+v", e)
	}
	eventually(t, "socket closed", func() bool { return s.Stats().Connections == 0 })
	c.Close()
}

func TestOutboundAgeIsBounded(t *testing.T) {
	clock := newClock()
	s, topic, _ := onTopic(t, Config{
		Loops: 1, now: clock.Now, OutboundMaxBytes: 64 << 20, OutboundMaxAge: 3 * time.Second,
	}, TopicOptions{})
	slow := dialStalled(t, s)
	for n := 0; s.Stats().Congested == 0; n++ {
		_, _ = topic.Broadcast(frame.OpBinary, numbered(n))
		s.settle()
	}
	clock.pass(s, 2*time.Second)
	if s.Stats().Open != 1 {
		t.Fatal("closed too early")
	}
	clock.pass(s, 2*time.Second)
	eventually(t, "closed as slow", func() bool { return s.Stats().Ended["slow"] == 1 })
	_, closed := readNumbers(t, slow, -1)
	if closed != "\x03\xf0slow_consumer" {
		t.Errorf("closed with %q", closed)
	}
}

// TestSlowPolicyIsChanged: a policy counts for what waits already; Suspend neither begins nor ends.
func TestSlowPolicyIsChanged(t *testing.T) {
	s, topic, _ := onTopic(t, Config{Loops: 1, OutboundMaxBytes: 100_000}, TopicOptions{Policy: DropOldest})
	slow := dialStalled(t, s)
	overflow(t, s, topic, DropOldestFirst)
	if !topic.SetSlow(DropNewest, 0) {
		t.Fatal("not changed")
	}
	published := overflow(t, s, topic, DropNewestFirst)
	if published > 100 { // the queue was full
		t.Errorf("%d publications until the new policy counted", published)
	}
	if topic.SetSlow(Suspend, 0) && topic.policy() == Suspend {
		t.Error("Suspend has begun")
	}
	if !topic.SetSlow(Disconnect, 0) {
		t.Fatal("not changed")
	}
	overflow(t, s, topic, DropSlow)
	if _, closed := readNumbers(t, slow, -1); closed != "\x03\xf0slow_consumer" {
		t.Errorf("closed with %q", closed)
	}
	suspended := (&Server{cfg: Config{OnResume: func(*Conn, *Topic) {}}}).NewTopic(TopicOptions{Policy: Suspend, MaxAge: time.Second})
	if suspended.SetSlow(DropOldest, 0) || suspended.policy() != Suspend || suspended.maxAge() != ticksOrNone(time.Second) {
		t.Error("Suspend has ended")
	}
	if !suspended.SetSlow(Suspend, 2*time.Second) || suspended.maxAge() != ticksOrNone(2*time.Second) {
		t.Error("the age is not changed")
	}
}
