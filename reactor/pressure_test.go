package reactor

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// offenders is a server with conns that do not read, each on a topic of its own.
type offenders struct {
	t       *testing.T
	s       *Server
	clock   *clock
	rng     *rand.Rand
	topics  []*numberedTopic
	conns   []*Conn
	clients []*client
	drops   []Drop
}

func newOffenders(t *testing.T, cfg Config, policies ...SlowPolicy) *offenders {
	o := &offenders{t: t, clock: newClock(), rng: rand.New(rand.NewPCG(1, 1))}
	opened := newBox[*Conn]()
	next := 0 // the loop's
	cfg.Loops, cfg.now = 1, o.clock.Now
	cfg.OutboundMaxAge = time.Hour
	cfg.OnDrop = func(_ *Conn, d Drop) { o.drops = append(o.drops, d) }
	cfg.Handler = funcs{open: func(c *Conn) {
		_ = c.Subscribe(o.topics[next].Topic)
		next++
		_ = c.Send(frame.OpText, []byte("ready"))
		opened <- c
	}}
	o.s = prepare(t, cfg)
	for i, policy := range policies {
		topic := &numberedTopic{name: byte('a' + i)}
		topic.Topic = o.s.NewTopic(TopicOptions{Policy: policy, Gap: topic})
		o.topics = append(o.topics, topic)
	}
	start(t, o.s)
	for range policies {
		o.clients = append(o.clients, dialStalled(t, o.s))
		o.conns = append(o.conns, opened.take(t))
	}
	return o
}

// fill publishes to a topic until so many bytes wait for its conn.
func (o *offenders) fill(i int, bytes int64) {
	o.t.Helper()
	for o.queued(i) < bytes {
		if err := o.topics[i].publish(o.rng); err != nil {
			o.t.Fatal(err)
		}
		o.s.settle()
	}
}

func (o *offenders) queued(i int) (bytes int64) {
	onLoop(o.t, o.conns[i], func(c *Conn) {
		if c.out != nil {
			bytes = c.out.bytes
		}
	})
	return bytes
}

// age lets the time pass after which a conn that has not taken anything is slow.
func (o *offenders) age() { o.clock.pass(o.s, 2*time.Second) }

const kib = 1 << 10

// Under pressure those who hold most give up most, each by its topic's policy, and those who hold little nothing.
func TestLargestOffendersGoFirst(t *testing.T) {
	o := newOffenders(t, Config{NodeMaxBytes: 2400 * kib}, DropOldest, DropNewest, KeepLatest, Disconnect, Disconnect, DropOldest)
	for i := range 4 {
		o.fill(i, 400*kib)
	}
	o.fill(4, 20*kib)
	o.fill(5, 20*kib)
	if st := o.s.Stats(); len(st.Drops) == 0 || sumOf(st.Drops) != 0 {
		t.Fatalf("dropped before anybody is slow: %v", st.Drops)
	}
	o.age()
	o.s.settle()
	st := o.s.Stats()
	if st.InFlightBytes > 2400*kib/2+200*kib {
		t.Errorf("%d bytes still in flight at pressure %d", st.InFlightBytes, st.Pressure)
	}
	for _, reason := range []string{"oldest", "newest", "conflated", "slow"} {
		if st.Drops[reason] == 0 {
			t.Errorf("none dropped as %s: %v", reason, st.Drops)
		}
	}
	if st.Open != 5 || st.Ended["slow"] != 1 {
		t.Errorf("%d open, ended %v", st.Open, st.Ended)
	}
	for _, i := range []int{4, 5} {
		if got := o.queued(i); got < 20*kib {
			t.Errorf("conn %d, which held little, has %d bytes left", i, got)
		}
	}
	o.readAll(0, 1, 2, 5)
}

// readAll lets conns catch up: what was dropped has left gaps.
func (o *offenders) readAll(which ...int) {
	o.t.Helper()
	for _, i := range which {
		r := &dropRun{t: o.t, s: o.s, slow: o.clients[i], position: map[byte]uint64{}, gaps: map[byte]uint64{}}
		for r.position[o.topics[i].name] < o.topics[i].seq {
			r.read()
		}
	}
}

func sumOf(counts map[string]int64) (sum int64) {
	for _, n := range counts {
		sum += n
	}
	return sum
}

// What is congested for a moment only keeps all that it may hold, however full the node is; publishers are told.
func TestBudgetIsToldToPublishersFirst(t *testing.T) {
	o := newOffenders(t, Config{NodeMaxBytes: 800 * kib}, Disconnect, Disconnect)
	for o.topics[0].publish(o.rng) == nil {
		o.s.settle()
	}
	if err := o.topics[1].publish(o.rng); !errors.Is(err, ErrBacklog) {
		t.Fatalf("published: %v", err)
	}
	if st := o.s.Stats(); st.Open != 2 || sumOf(st.Drops) != 0 || st.Pressure != maxPressure || st.Backlogged == 0 {
		t.Fatalf("%+v", st)
	}
	o.topics[0].seq--
	o.age()
	o.s.settle()
	if st := o.s.Stats(); st.Open != 1 || st.Ended["slow"] != 1 {
		t.Fatalf("%d open, ended %v: the slow one should have gone", st.Open, st.Ended)
	}
	o.topics[1].seq = 0
	eventually(t, "published again", func() bool { o.age(); return o.topics[1].publish(o.rng) == nil })
}

// While the budget is nearly used up nobody new is let in; who asks for something else is served.
func TestNobodyNewWithoutMemory(t *testing.T) {
	o := newOffenders(t, Config{NodeMaxBytes: 800 * kib}, Disconnect)
	for o.topics[0].publish(o.rng) == nil {
		o.s.settle()
	}
	late := connect(t, o.s)
	late.write(handshakeBytes("/"))
	if head := string(late.head()); !strings.HasPrefix(head, "HTTP/1.1 503 ") || !strings.Contains(head, "Retry-After: 5\r\n") {
		t.Fatalf("answer %q", head)
	}
	if n := o.s.Stats().Refused["memory"]; n != 1 {
		t.Errorf("%d refusals counted", n)
	}
	o.topics[0].seq--
	o.age() // the slow one goes
	o.s.settle()
	eventually(t, "memory", func() bool { o.age(); return o.s.Stats().Pressure < maxPressure })
	c := dial(t, o.s, "/")
	c.Close()
}

// Replies of the conn's own count as well as publications do.
func TestPrivateOutputIsInTheBudget(t *testing.T) {
	o := newOffenders(t, Config{NodeMaxBytes: 600 * kib}, Disconnect)
	onLoop(t, o.conns[0], func(c *Conn) {
		for c.out == nil || c.out.bytes < 200*kib {
			_ = c.Send(frame.OpBinary, make([]byte, 20*kib))
			c.loop.flushDirty()
		}
	})
	before := o.s.Stats().InFlightBytes
	if before < 200*kib {
		t.Fatalf("%d bytes in flight", before)
	}
	onLoop(t, o.conns[0], func(c *Conn) { // small ones are joined, and counted as they grow
		for range 2000 {
			_ = c.Send(frame.OpText, make([]byte, 100))
			c.loop.flushDirty()
		}
	})
	if after := o.s.Stats().InFlightBytes; after < before+200*kib {
		t.Errorf("%d bytes in flight after %d", after, before)
	}
	o.age()
	if st := o.s.Stats(); st.Ended["slow"] != 1 {
		t.Errorf("ended %v, %d in flight, pressure %d", st.Ended, st.InFlightBytes, st.Pressure)
	}
}
