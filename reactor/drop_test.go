package reactor

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// numberedTopic is a topic whose publications, and notices of gaps, tell what they are.
type numberedTopic struct {
	*Topic
	name byte
	seq  uint64
}

func (t *numberedTopic) AppendGap(dst []byte, f Form, after, before uint64) []byte {
	text := fmt.Appendf(nil, "gap %c %d %d form %d ", t.name, after, before, f)
	return frame.AppendFrame(dst, frame.OpText, append(text, bytes.Repeat([]byte("."), 3000)...)) // so that sockets take a part of it
}

// publish sends the topic's next publication, of 8 KB; offsets have holes, as those of a channel may.
func (t *numberedTopic) publish(rng *rand.Rand) error {
	prev := t.seq
	t.seq += 1 + rng.Uint64N(3)
	text := fmt.Appendf(nil, "message %c %d %d ", t.name, prev, t.seq)
	_, err := t.Publish(Publication{
		Seq: t.seq, Prev: prev, Encoder: Message{frame.OpText, append(text, bytes.Repeat([]byte("."), 8000)...)},
	})
	return err
}

// dropRun floods a conn, dialed where the seed is odd, that reads now and then with publications of several topics, and keeps the books.
type dropRun struct {
	t        *testing.T
	rng      *rand.Rand
	s        *Server
	topics   []*numberedTopic
	slow     *client
	position map[byte]uint64 // up to which everything was received or announced as missing
	gaps     map[byte]uint64 // sum of (before - after) of the notices
	drops    []Drop          // as OnDrop told; the loop's until the run is over
}

func newDropRun(t *testing.T, seed uint64, cfg Config, options []TopicOptions) *dropRun {
	r := &dropRun{t: t, rng: rand.New(rand.NewPCG(seed, 11)), position: map[byte]uint64{}, gaps: map[byte]uint64{}}
	cfg.Loops = 1
	cfg.OnDrop = func(_ *Conn, d Drop) { r.drops = append(r.drops, d) }
	cfg.Handler = funcs{open: func(c *Conn) {
		for _, topic := range r.topics {
			_ = c.Subscribe(topic.Topic)
		}
		_ = c.Send(frame.OpText, []byte("ready"))
	}}
	r.s = prepare(t, cfg)
	for i, o := range options {
		topic := &numberedTopic{name: byte('a' + i)}
		o.Gap = topic
		topic.Topic = r.s.NewTopic(o)
		r.topics = append(r.topics, topic)
	}
	start(t, r.s)
	if seed%2 == 1 {
		r.slow = reachedStalled(t, r.s)
	} else {
		r.slow = dialStalled(t, r.s)
	}
	return r
}

// read takes the next message of the slow conn and books it: each topic's messages and gaps must follow on each other.
func (r *dropRun) read() {
	r.t.Helper()
	_, payload, err := r.slow.next()
	if err != nil {
		r.t.Fatal(err)
	}
	var name byte
	var after, last uint64
	if n, _ := fmt.Sscanf(payload, "message %c %d %d ", &name, &after, &last); n != 3 {
		var before uint64
		if n, _ := fmt.Sscanf(payload, "gap %c %d %d form 0", &name, &after, &before); n != 3 {
			r.t.Fatalf("%.40q", payload)
		}
		last = before - 1
		r.gaps[name] += last - after
	}
	if after != r.position[name] {
		r.t.Fatalf("%.40q comes after %d", payload, r.position[name])
	}
	r.position[name] = last
}

// finish lets the conn catch up, and compares what it saw with what the server says.
func (r *dropRun) finish() {
	r.t.Helper()
	for _, topic := range r.topics {
		for r.position[topic.name] < topic.seq {
			r.read()
		}
	}
	eventually(r.t, "all is sent", func() bool { st := r.s.Stats(); return st.QueuedBytes == 0 && st.Congested == 0 })
	r.s.settle()
	told := map[byte]uint64{}
	var count int64
	for _, d := range r.drops {
		for _, topic := range r.topics {
			if topic.Topic == d.Topic {
				told[topic.name] += d.Before - 1 - d.After
			}
		}
		count += d.Count
	}
	var counted int64
	for _, n := range r.s.Stats().Drops {
		counted += n
	}
	if count != counted {
		r.t.Errorf("OnDrop told of %d, Stats of %d", count, counted)
	}
	for _, topic := range r.topics {
		if told[topic.name] != r.gaps[topic.name] {
			r.t.Errorf("topic %c: OnDrop told of a span of %d, notices of %d", topic.name, told[topic.name], r.gaps[topic.name])
		}
	}
	if n := r.s.knownLoops()[0].stats.queuedEntries.Load(); n != 0 {
		r.t.Errorf("%d entries are counted", n)
	}
}

// flood publishes on random topics, several at a time so that some are joined, until each has been dropped from.
func (r *dropRun) flood(rounds int) {
	for range rounds {
		for range 1 + r.rng.IntN(6) {
			if err := r.topics[r.rng.IntN(len(r.topics))].publish(r.rng); err != nil {
				r.t.Fatal(err)
			}
		}
		r.s.settle()
		if r.rng.IntN(10) == 0 && r.s.Stats().Congested > 0 {
			for range r.rng.IntN(8) {
				r.read()
			}
		}
	}
}

// Whatever is dropped for a slow conn leaves a notice of exactly that, exactly there.
func TestWhatIsDroppedLeavesAGap(t *testing.T) {
	policies := []TopicOptions{{Policy: DropOldest}, {Policy: DropNewest}, {Policy: KeepLatest}}
	for seed, options := range [][]TopicOptions{
		policies[:1], policies[1:2], policies[2:], policies, append(policies, policies...), policies[:1], policies[1:2], policies[2:], policies,
	} {
		for _, gap := range []time.Duration{0, 50 * time.Microsecond} {
			t.Run(fmt.Sprint(len(options), " topics, seed ", seed, ", gap ", gap), func(t *testing.T) {
				r := newDropRun(t, uint64(seed), Config{
					OutboundMaxBytes: 400_000, OutboundMaxAge: patience, Forms: []FormOptions{{Gap: gap}},
				}, options)
				r.flood(600)
				r.finish()
				if len(r.gaps) < len(options) {
					t.Errorf("gaps on %d of %d topics", len(r.gaps), len(options))
				}
			})
		}
	}
}

func TestWhatIsStaleIsDropped(t *testing.T) {
	clock := newClock()
	r := newDropRun(t, 5, Config{now: clock.Now, OutboundMaxBytes: 64 << 20, OutboundMaxAge: time.Hour}, []TopicOptions{
		{Policy: DropOldest, MaxAge: 2 * time.Second}, {Policy: DropNewest, MaxAge: 3 * time.Second}, {Policy: KeepLatest, MaxAge: time.Second},
		{Policy: DropOldest},
	})
	for range 12 {
		r.flood(50)
		clock.pass(r.s, 700*time.Millisecond)
	}
	drops := r.s.Stats().Drops
	if drops["stale"] == 0 || drops["conflated"] == 0 || drops["oldest"]+drops["newest"]+drops["slow"] > 0 {
		t.Errorf("drops %v", drops)
	}
	r.finish()
	if r.gaps['d'] > 0 || len(r.gaps) != 3 {
		t.Errorf("gaps %v", r.gaps)
	}
}

func TestStaleUnderDisconnectEnds(t *testing.T) {
	clock := newClock()
	r := newDropRun(t, 6, Config{now: clock.Now, OutboundMaxBytes: 64 << 20, OutboundMaxAge: time.Hour}, []TopicOptions{{MaxAge: 2 * time.Second}})
	for r.s.Stats().QueuedBytes < 100_000 {
		if err := r.topics[0].publish(r.rng); err != nil {
			t.Fatal(err)
		}
		r.s.settle()
	}
	clock.pass(r.s, time.Second)
	if r.s.Stats().Open != 1 {
		t.Fatal("closed too early")
	}
	clock.pass(r.s, 2*time.Second)
	eventually(t, "closed as slow", func() bool { return r.s.Stats().Ended["slow"] == 1 })
	r.s.settle()
	if len(r.drops) != 1 || r.drops[0].Reason != DropSlow || r.drops[0].Before != r.topics[0].seq+1 {
		t.Errorf("told of %+v", r.drops)
	}
}

// Of what is stale under KeepLatest the newest stays, alone even where it waits joined with others.
func TestStaleKeepsTheNewest(t *testing.T) {
	clock := newClock()
	r := newDropRun(t, 7, Config{now: clock.Now, OutboundMaxBytes: 64 << 20, OutboundMaxAge: time.Hour}, []TopicOptions{
		{Policy: KeepLatest, MaxAge: time.Second},
	})
	topic := r.topics[0]
	for r.s.Stats().QueuedBytes < 100_000 { // in one turn of the loop: they are joined
		onEachLoop(t, r.s, func(*loop) {
			for range 3 {
				_ = topic.publish(r.rng)
			}
		})
	}
	clock.pass(r.s, 1500*time.Millisecond)
	onEachLoop(t, r.s, func(l *loop) {
		for _, c := range l.congested {
			frames := int32(0)
			for i, e := range c.out.entries {
				if i > 0 || !c.out.begun {
					frames += e.frames
				}
			}
			if frames != 1 {
				t.Errorf("%d publications wait", frames)
			}
		}
	})
	r.finish()
}

// Conns that came to a topic while it was paused are told of a gap from there on, and not of what was dropped before.
func TestGapsOfAPausedTopicAreForThoseWhoMissSomething(t *testing.T) {
	r := newDropRun(t, 8, Config{OutboundMaxBytes: 30_000, Forms: []FormOptions{{Gap: time.Hour}}}, []TopicOptions{{Policy: DropOldest}})
	topic := r.topics[0]
	for range 8 {
		_ = topic.publish(r.rng)
	}
	r.s.settle()
	between := topic.seq
	dialStalled(t, r.s)
	for range 8 {
		_ = topic.publish(r.rng)
	}
	r.s.settle()
	onEachLoop(t, r.s, func(l *loop) {
		var gaps []arrival
		for _, a := range topic.groupOn(l, 0).waiting() {
			if a.gap {
				gaps = append(gaps, a)
			}
		}
		if len(gaps) != 2 || gaps[0].end != 1 || gaps[0].last != between || gaps[1].end != 2 || gaps[1].after != between {
			t.Errorf("gaps %+v, the second conn came after %d", gaps, between)
		}
	})
}

// A notice stands behind the replies that were sent before the publications it is about: a client that has come back to the
// topic takes no notice of what was said before.
func TestGapsDoNotPassReplies(t *testing.T) {
	for _, policy := range []SlowPolicy{DropOldest, DropNewest} {
		t.Run(policy.String(), func(t *testing.T) {
			r := newDropRun(t, 9, Config{OutboundMaxBytes: 400_000, OutboundMaxAge: patience}, []TopicOptions{{Policy: policy}})
			topic := r.topics[0]
			dropped := func() int64 { return sumOf(r.s.Stats().Drops) }
			floodUntil := func(n int64) {
				for before := dropped(); dropped() < before+n; {
					if err := topic.publish(r.rng); err != nil {
						t.Fatal(err)
					}
					r.s.settle()
				}
			}
			floodUntil(20)
			left := topic.seq
			onEachLoop(t, r.s, func(l *loop) {
				for _, c := range l.congested {
					c.Unsubscribe(topic.Topic)
					_ = c.Subscribe(topic.Topic)
					_ = c.Send(frame.OpText, []byte("back"))
				}
			})
			r.s.settle()
			floodUntil(80) // DropOldest: all that waited, and some of what came since
			for {
				_, payload, err := r.slow.next()
				if err != nil {
					t.Fatal(err)
				}
				if payload == "back" {
					break
				}
				var name byte
				var after, before uint64
				if n, _ := fmt.Sscanf(payload, "gap %c %d %d ", &name, &after, &before); n == 3 && before > left+1 {
					t.Fatalf("%.40q comes before the reply that was sent after %d", payload, left)
				}
			}
			r.position['a'], r.gaps['a'] = left, 0
			for r.position['a'] < topic.seq {
				r.read()
			}
			if r.gaps['a'] == 0 {
				t.Error("no gap behind the reply")
			}
		})
	}
}

// The books hold while a joined piece of output is taken apart, and what is left has waited as long as before.
func TestNarrowedOutputIsBooked(t *testing.T) {
	clock := newClock()
	r := newDropRun(t, 12, Config{now: clock.Now, OutboundMaxBytes: 64 << 20, OutboundMaxAge: time.Hour}, []TopicOptions{
		{Policy: KeepLatest, MaxAge: time.Second}, {Policy: DropOldest},
	})
	for r.s.Stats().QueuedBytes < 50_000 {
		_ = r.topics[1].publish(r.rng)
		r.s.settle()
	}
	onEachLoop(t, r.s, func(*loop) {
		for range 3 {
			_ = r.topics[0].publish(r.rng)
		}
	})
	_ = r.topics[1].publish(r.rng)
	clock.pass(r.s, 1500*time.Millisecond)
	onEachLoop(t, r.s, func(l *loop) {
		for _, c := range l.congested {
			if n := l.stats.queuedEntries.Load(); n != int64(len(c.out.entries)) {
				t.Errorf("%d entries are counted, %d wait", n, len(c.out.entries))
			}
			gaps := 0
			for i, e := range c.out.entries {
				if e.gap {
					gaps++
				}
				if i > 0 && e.since < c.out.entries[i-1].since {
					t.Errorf("entry %d waits since %d, the one before since %d", i, e.since, c.out.entries[i-1].since)
				}
			}
			if gaps != 1 {
				t.Errorf("%d gaps", gaps)
			}
		}
	})
	r.finish()
}

type panickingGaps struct{}

func (panickingGaps) AppendGap([]byte, Form, uint64, uint64) []byte { panic("no notice") }

// A panic of the embedder's encoder costs a notice, not the process.
func TestPanicInANotice(t *testing.T) {
	s, topic, _ := onTopic(t, Config{OutboundMaxBytes: 100_000, OutboundMaxAge: patience}, TopicOptions{Policy: DropNewest, Gap: panickingGaps{}})
	c := dialStalled(t, s)
	published := overflow(t, s, topic, DropNewestFirst)
	s.settle()
	for range int64(published) - s.Stats().Drops["newest"] {
		if _, _, err := c.next(); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all is sent", func() bool { st := s.Stats(); return st.Congested == 0 && st.QueuedBytes == 0 })
	_, _ = topic.Broadcast(frame.OpText, []byte("last"))
	c.wantText("last")
	if st := s.Stats(); st.Panics != 1 || st.Open != 1 {
		t.Errorf("%d panics, %d open", st.Panics, st.Open)
	}
}

// foreignBacklog is a conn whose queue is full of small publications of one topic, but for the first, which was another's. put
// queues one more of that.
func foreignBacklog(policy SlowPolicy) (c *Conn, other *Topic, put func()) {
	s := &Server{cfg: Config{OutboundMaxBytes: 1 << 20}}
	l := &loop{srv: s}
	s.loops.Store(&[]*loop{l})
	gaps := &numberedTopic{name: 'a'}
	topic, other := s.NewTopic(TopicOptions{Policy: policy, Gap: gaps}), s.NewTopic(TopicOptions{Policy: policy, Gap: gaps})
	c = &Conn{loop: l, state: stateOpen, out: &outbound{}}
	seq := uint64(0)
	enqueue := func(t *Topic) {
		seq++
		shared := newShared(60, func(dst []byte) []byte { return append(dst, make([]byte, 60)...) })
		c.enqueue(entry{shared: shared, topic: t, frames: 1, missing: missing{seq - 1, seq}}, 0, false)
	}
	enqueue(other)
	for c.out.bytes+60 <= s.cfg.OutboundMaxBytes {
		enqueue(topic)
	}
	return c, other, func() { enqueue(other) }
}

// What is dropped of one topic costs no walk through all that waits of another, each time.
func TestDropsPassWhatIsOfOtherTopics(t *testing.T) {
	for _, policy := range []SlowPolicy{DropOldest, KeepLatest} {
		c, other, put := foreignBacklog(policy)
		full := len(c.out.entries)
		for range 10 {
			put()
		}
		o := c.out
		if first := o.first(other); first < full-1 || o.passed[other] < o.gone+uint64(full-1) || o.entries[first].last != uint64(full+10) {
			t.Errorf("%v: the first of %d entries is %d, the search begins at %d", policy, len(o.entries), first, o.passed[other]-o.gone)
		}
		var after []uint64
		for _, e := range o.entries {
			if e.gap {
				after = append(after, e.after, e.last)
			}
		}
		if len(after) != 4 || after[1] != 1 || after[2] != uint64(full) || after[3] != uint64(full+9) {
			t.Errorf("%v: gaps %d", policy, after)
		}
		if got := c.loop.stats.queuedEntries.Load(); got != int64(len(o.entries)) || c.loop.stats.queuedBytes.Load() != o.bytes {
			t.Errorf("%v: %d entries are counted, %d wait", policy, got, len(o.entries))
		}
		o.dropAll(c.loop)
	}
}

func BenchmarkDropBehindAnotherTopic(b *testing.B) {
	for _, policy := range []SlowPolicy{DropOldest, DropNewest, KeepLatest} {
		b.Run("policy="+policy.String(), func(b *testing.B) {
			c, _, put := foreignBacklog(policy)
			for b.Loop() {
				put()
			}
			c.out.dropAll(c.loop)
		})
	}
}

// onEachLoop runs f on every loop.
func onEachLoop(t testing.TB, s *Server, f func(*loop)) {
	t.Helper()
	for _, l := range s.knownLoops() {
		onLoop(t, &Conn{loop: l, state: stateOpen}, func(c *Conn) { f(c.loop) })
		l.barrier()
	}
}
