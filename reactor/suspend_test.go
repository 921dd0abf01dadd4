package reactor

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// suspendRun is a stalled conn in topics that keep all they have published, and bring it up to date when it is resumed.
type suspendRun struct {
	t      *testing.T
	s      *Server
	topics []*loggedTopic

	// Owned by the loop.
	behind  map[*Topic]uint64 // since where, as OnDrop told first
	resumed int
}

type loggedTopic struct {
	numberedTopic
	mu sync.Mutex
}

// publish gives a number and posts in one step, as a log does.
func (t *loggedTopic) publish() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, err := t.Publish(Publication{Seq: t.seq + 1, Prev: t.seq, Encoder: Message{frame.OpText, textOf(t.name, t.seq, t.seq+1)}})
	if err == nil {
		t.seq++
	}
	return err
}

func textOf(name byte, prev, seq uint64) []byte {
	return append(fmt.Appendf(nil, "message %c %d %d ", name, prev, seq), bytes.Repeat([]byte("."), 3000)...)
}

func newSuspendRun(t *testing.T, cfg Config, options ...TopicOptions) *suspendRun {
	r := &suspendRun{t: t, behind: map[*Topic]uint64{}}
	cfg.Loops, cfg.OnDrop, cfg.OnResume = 1, r.onDrop, r.onResume
	cfg.Handler = funcs{open: func(c *Conn) {
		for _, topic := range r.topics {
			_ = c.Subscribe(topic.Topic)
		}
		_ = c.Send(frame.OpText, []byte("ready"))
	}}
	r.s = prepare(t, cfg)
	for i, o := range options {
		topic := &loggedTopic{numberedTopic: numberedTopic{name: byte('a' + i)}}
		o.Policy, o.Gap = Suspend, topic
		topic.Topic = r.s.NewTopic(o)
		r.topics = append(r.topics, topic)
	}
	start(t, r.s)
	return r
}

func (r *suspendRun) onDrop(_ *Conn, d Drop) {
	if _, known := r.behind[d.Topic]; !known && d.Reason == DropSuspended {
		r.behind[d.Topic] = d.After
	}
}

func (r *suspendRun) onResume(c *Conn, t *Topic) {
	after, known := r.behind[t]
	if !known || c.Subscribed(t) {
		r.t.Errorf("resumed without having been suspended: %v", known)
	}
	delete(r.behind, t)
	r.resumed++
	for _, topic := range r.topics {
		if topic.Topic == t {
			r.refill(c, topic, after)
		}
	}
}

// refill sends what is missing, as much at a time as the conn can hold, and the last of it by a Joining.
func (r *suspendRun) refill(c *Conn, topic *loggedTopic, after uint64) {
	j, err := c.Join(topic.Topic, 0)
	if err != nil {
		r.t.Error(err)
		return
	}
	topic.mu.Lock()
	last := topic.seq
	topic.mu.Unlock()
	c.Post(func(c *Conn) {
		for ; after < last && c.OutboundRoom() > 4000; after++ {
			_ = c.Send(frame.OpText, textOf(topic.name, after, after+1))
		}
		if after == last {
			_ = j.Complete(last)
			return
		}
		j.Abort()
		c.WhenSent(func(c *Conn) { r.refill(c, topic, after) })
	})
}

// A suspended conn misses nothing, and nothing overtakes: what comes behind a gap is what the gap has announced.
func TestSuspendedConnCatchesUpInOrder(t *testing.T) {
	for name, c := range map[string]struct {
		cfg     Config
		options TopicOptions
	}{
		"too many bytes": {Config{OutboundMaxBytes: 50_000}, TopicOptions{}},
		"too old":        {Config{OutboundMaxBytes: 1 << 20}, TopicOptions{MaxAge: tickPeriod}},
	} {
		t.Run(name, func(t *testing.T) {
			c.cfg.OutboundMaxAge = time.Hour
			r := newSuspendRun(t, c.cfg, c.options, c.options)
			slow := dialStalled(t, r.s)
			rng := rand.New(rand.NewPCG(1, 2))
			position := map[byte]uint64{}
			read := func() {
				_, payload, err := slow.next()
				if err != nil {
					t.Fatal(err)
				}
				var name byte
				var after, last uint64
				if n, _ := fmt.Sscanf(payload, "gap %c %d ", &name, &after); n == 2 {
					if after < position[name] {
						t.Fatalf("%.40q comes after %d", payload, position[name])
					}
					return
				}
				if n, _ := fmt.Sscanf(payload, "message %c %d %d ", &name, &after, &last); n != 3 || after != position[name] {
					t.Fatalf("%.40q comes after %v", payload, position)
				}
				position[name] = last
			}
			for round := 0; round < 3000; round++ {
				for range 1 + rng.IntN(4) {
					if err := r.topics[rng.IntN(2)].publish(); err != nil { // the node is full: it must be read
						for range 20 {
							read()
						}
					}
				}
				if r.s.settle(); r.s.Stats().Drops["suspended"] > 0 && rng.IntN(3) == 0 {
					for range rng.IntN(12) {
						if position['a'] < r.topics[0].seq && position['b'] < r.topics[1].seq {
							read()
						}
					}
				}
			}
			for position['a'] < r.topics[0].seq || position['b'] < r.topics[1].seq {
				read()
			}
			eventually(t, "all is sent", func() bool { return r.s.Stats().QueuedBytes == 0 })
			r.s.settle()
			if r.resumed == 0 {
				t.Error("never suspended")
			}
			for _, topic := range r.topics {
				eventually(t, "subscribed again", func() bool { return topic.Subscribers() == 1 })
			}
		})
	}
}

// Who subscribes again by himself is not resumed.
func TestSuspendedConnSubscribesAgain(t *testing.T) {
	r := newSuspendRun(t, Config{OutboundMaxBytes: 50_000, OutboundMaxAge: time.Hour}, TopicOptions{})
	slow := dialStalled(t, r.s)
	for topic := r.topics[0]; r.s.Stats().Drops["suspended"] == 0; r.s.settle() {
		if err := topic.publish(); err != nil {
			t.Fatal(err)
		}
	}
	var conn *Conn
	r.s.knownLoops()[0].wheel.each(func(c *Conn) { conn = c })
	conn.Post(func(c *Conn) {
		if err := c.Subscribe(r.topics[0].Topic); err != nil {
			t.Error(err)
		}
		_ = c.Send(frame.OpText, []byte("again"))
	})
	for {
		if _, payload, err := slow.next(); err != nil || payload == "again" {
			break
		}
	}
	r.s.settle()
	if err := r.topics[0].publish(); err != nil {
		t.Fatal(err)
	}
	slow.wantText(string(textOf('a', r.topics[0].seq-1, r.topics[0].seq)))
	if r.resumed != 0 {
		t.Errorf("resumed %d times", r.resumed)
	}
}

func TestSuspendWithoutAnybodyToResume(t *testing.T) {
	if topic := prepare(t, Config{Handler: funcs{}}).NewTopic(TopicOptions{Policy: Suspend}); topic.policy() != DropOldest {
		t.Error(topic.policy())
	}
}

// Where memory is short, slow conns are suspended from what they hold most of.
func TestPressureSuspends(t *testing.T) {
	o := newOffenders(t, Config{NodeMaxBytes: 1000 * kib, OnResume: func(*Conn, *Topic) {}}, Suspend)
	o.fill(0, 600*kib)
	o.age()
	o.s.settle()
	st := o.s.Stats()
	if st.Drops["suspended"] == 0 || st.Open != 1 || o.topics[0].Subscribers() != 0 {
		t.Errorf("%d open, %d subscribed, drops %v", st.Open, o.topics[0].Subscribers(), st.Drops)
	}
}
