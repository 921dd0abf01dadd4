package jetstream

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/broker/brokertest"
)

// crowd is a WideSink that keeps a journal of each channel, and what came without a log.
type crowd struct {
	t      testing.TB
	engine *Engine
	kept   broker.Retention

	mu sync.Mutex
	// Guarded by mu.
	journals map[string]*journal
	logs     map[string]broker.Log
	bare     map[string][]uint64
}

func newCrowd(t testing.TB, e *Engine, kept broker.Retention) *crowd {
	return &crowd{t: t, engine: e, kept: kept, journals: make(map[string]*journal), logs: make(map[string]broker.Log), bare: make(map[string][]uint64)}
}

func (c *crowd) Log(channel string) broker.Log {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.logs[channel] == nil {
		if c.journals[channel] == nil {
			c.journals[channel] = newJournal(c.t)
		}
		c.logs[channel] = c.engine.Open(channel, c.kept, c.journals[channel])
	}
	return c.logs[channel]
}

func (c *crowd) Deliver(channel string, p *broker.Publication, offset, prev uint64) (broker.Delivered, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bare[channel] = append(c.bare[channel], offset)
	return broker.Delivered{Matched: 1}, nil
}

// forget closes a channel's log, as a node does with one that nobody uses. It tells whether it did.
func (c *crowd) forget(channel string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	log := c.logs[channel]
	if log == nil || log.Trim() { // it was heard of since the last time
		return false
	}
	delete(c.logs, channel)
	log.Close()
	return true
}

func (c *crowd) journal(channel string) *journal {
	c.Log(channel)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.journals[channel]
}

// hear opens an interest, and waits until it is ready.
func hear(t testing.TB, e *Engine, prefix string, sink broker.WideSink) *wide {
	t.Helper()
	w := e.OpenWide(prefix, broker.Retention{Size: 1000}, sink).(*wide)
	answer := make(chan error, 1)
	w.Ready(func(err error) { answer <- err })
	if err := <-answer; err != nil {
		t.Fatal(err)
	}
	return w
}

// town publishes to many channels, over several nodes.
type town struct {
	publishers map[string]*publisher
	logs       map[string][]broker.Log
}

func newTown(t testing.TB, names []string, kept broker.Retention, nodes ...*Engine) *town {
	w := &town{make(map[string]*publisher), make(map[string][]broker.Log)}
	for _, name := range names {
		w.publishers[name] = newPublisher()
		for _, e := range nodes {
			w.logs[name] = append(w.logs[name], e.Open(name, kept, newJournal(t)))
		}
	}
	return w
}

// run publishes n to each channel, all at once.
func (w *town) run(label string, n int) {
	var group sync.WaitGroup
	for name, p := range w.publishers {
		for i, log := range w.logs[name] {
			group.Go(func() { p.run(log, fmt.Sprint(label, i), n/len(w.logs[name]), 1) })
		}
	}
	group.Wait()
}

func (w *town) settle(t testing.TB, c *crowd) {
	t.Helper()
	for name, p := range w.publishers {
		if told := c.journal(name).settle(p.acknowledged); told > 0 {
			t.Errorf("%s: %d announced as gone", name, told)
		}
	}
}

func names(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("chat:%d:x.y", i))
	}
	return list
}

// A wildcard has what all nodes publish, to channels that are open here and to others, from when it is ready; and a node without it has nothing of that.
func TestWildcardOfTwoNodes(t *testing.T) {
	s := natsServer(t)
	config := Config{Prefix: "wide", Timeout: patience} // many publish at once
	a, b, c := connect(t, s, config), connect(t, s, config), connect(t, s, config)
	kept := broker.Retention{Size: 1000}
	places := newTown(t, names(20), kept, b, c)
	places.run("before", 4)
	for _, p := range places.publishers {
		clear(p.acknowledged)
	}
	crowd := newCrowd(t, a, kept)
	open := crowd.Log("chat:3:x.y") // with a subscription of its own, until the wildcard comes
	brokertest.Position(t, open)
	w := hear(t, a, "chat:", crowd)
	places.run("during", 20)
	brokertest.Position(t, crowd.Log("chat:4:x.y"))
	places.run("more", 20)
	newTown(t, []string{"chat", "chatter:1", "news"}, kept, b).run("others", 5)
	places.settle(t, crowd)
	if stats := a.RemoteStats(); stats.Received != 20*40 || stats.Wildcards != 1 || stats.Tracked != 18 || stats.Untracked != 0 {
		t.Errorf("%+v", stats)
	}
	if nb, nc := b.RemoteStats().Received, c.RemoteStats().Received; nb+nc != 0 {
		t.Errorf("nodes without the wildcard got %d and %d", nb, nc)
	}

	// When it ends, what somebody has asked for goes on, and nothing else comes.
	w.Close()
	brokertest.Position(t, open)
	awaitThat(t, "only two channels are heard", func() bool { return len(w.logs()) == 2 && a.RemoteStats().Tracked == 0 })
	flushed := make(chan error, 1)
	a.link.say(op{say: func(nc *nats.Conn) error { // behind the ends of subscriptions
		flushed <- nc.Flush()
		return nil
	}})
	if err := <-flushed; err != nil {
		t.Fatal(err)
	}
	received := a.RemoteStats().Received
	places.run("after", 10)
	for _, name := range []string{"chat:3:x.y", "chat:4:x.y"} {
		if told := crowd.journal(name).settle(places.publishers[name].acknowledged); told > 0 {
			t.Errorf("%s: %d announced as gone", name, told)
		}
	}
	if n := a.RemoteStats().Received - received; n > 2*10 {
		t.Errorf("%d messages came behind the wildcard's end", n)
	}
}

// What a wildcard brings comes twice, in the wrong order, or not at all, and channels are forgotten meanwhile: it has all of it, once and in order.
func TestWildcardOverALossyLink(t *testing.T) {
	s := natsServer(t)
	for seed := range uint64(4) {
		random := rand.New(rand.NewPCG(seed, 9))
		prefix := fmt.Sprint("lossy", seed)
		a := connect(t, s, Config{Prefix: prefix, SyncInterval: 100 * time.Millisecond})
		kept := broker.Retention{Size: 1000}
		crowd := newCrowd(t, a, kept)
		places := names(10)
		w := hear(t, a, "chat:", crowd)
		relay := deafWide(t, s, w)
		var late []*nats.Msg
		relay(func(m *nats.Msg) {
			switch dice := random.IntN(100); {
			case dice < 5: // lost
			case dice < 10: // twice
				w.arrived(m)
				w.arrived(m)
			case dice < 15:
				late = append(late, m)
			default:
				w.arrived(m)
			}
			if len(late) > 0 && random.IntN(4) == 0 {
				w.arrived(late[0])
				late = late[1:]
			}
		})
		town := newTown(t, places, kept, connect(t, s, Config{Prefix: prefix}))
		for round := range 5 {
			town.run(fmt.Sprint("x", round), 40)
			town.settle(t, crowd)
			for _, name := range places {
				awaitThat(t, "it is quiet", func() bool { return crowd.forget(name) })
			}
		}
		if stats := a.RemoteStats(); stats.Holes == 0 || stats.Fetched == 0 {
			t.Errorf("seed %d: nothing went wrong: %+v", seed, stats)
		}
		w.Close()
	}
}

// deafWide takes an interest's own subscription away. What it would have brought comes to who calls the relay.
func deafWide(t *testing.T, s nats.InProcessConnProvider, w *wide) (relay func(func(*nats.Msg))) {
	t.Helper()
	awaitThat(t, "it subscribes", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.sub != nil
	})
	w.mu.Lock()
	sub, out := w.sub, w.is.out
	w.mu.Unlock()
	if err := sub.Unsubscribe(); err != nil {
		t.Fatal(err)
	}
	return func(take func(*nats.Msg)) {
		nc, err := nats.Connect("", nats.InProcessServer(s))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		if _, err := nc.Subscribe(out+coverOf(w.prefix), take); err != nil {
			t.Fatal(err)
		}
		if err := nc.Flush(); err != nil {
			t.Fatal(err)
		}
	}
}

// What a wildcard has missed altogether, of channels that it has never heard of as well, is found when positions are compared.
func TestWildcardFindsTails(t *testing.T) {
	s := natsServer(t)
	a := connect(t, s, Config{Prefix: "tails", SyncInterval: 100 * time.Millisecond})
	kept := broker.Retention{Size: 1000}
	crowd := newCrowd(t, a, kept)
	w := hear(t, a, "chat:", crowd)
	deafWide(t, s, w)
	town := newTown(t, names(50), kept, connect(t, s, Config{Prefix: "tails"}))
	town.run("x", 10)
	town.settle(t, crowd)
	if got := a.RemoteStats(); got.Received != 0 || got.Fetched != 500 {
		t.Errorf("%+v", got)
	}
}

// Beyond a bound channels are not followed: what comes is delivered once, whichever wildcards cover it.
func TestWildcardIsBounded(t *testing.T) {
	s := natsServer(t)
	a := connect(t, s, Config{Prefix: "bounded", MaxTracked: 3})
	kept := broker.Retention{Size: 1000}
	crowd := newCrowd(t, a, kept)
	defer hear(t, a, "chat:", crowd).Close()
	defer hear(t, a, "chat:1:", crowd).Close()
	places := names(20)
	town := newTown(t, places, kept, connect(t, s, Config{Prefix: "bounded"}))
	town.run("x", 10)
	total := func() (n int) {
		for _, name := range places {
			j := crowd.journals[name]
			if n += len(crowd.bare[name]); j != nil {
				j.mu.Lock()
				n += len(j.got)
				j.mu.Unlock()
			}
		}
		return n
	}
	awaitThat(t, "all have come", func() bool {
		crowd.mu.Lock()
		defer crowd.mu.Unlock()
		return total() >= 200
	})
	if stats := a.RemoteStats(); stats.Tracked != 3 || stats.Untracked != 170 || stats.Wildcards != 2 {
		t.Errorf("%+v", stats)
	}
	crowd.mu.Lock()
	defer crowd.mu.Unlock()
	if n := total(); n != 200 {
		t.Errorf("%d delivered", n)
	}
}

// A stream that was lost and made anew is heard from its beginning.
func TestWildcardOutlivesTheStream(t *testing.T) {
	s := natsServer(t)
	a, b := connect(t, s, Config{Prefix: "anew", SyncInterval: 100 * time.Millisecond}), connect(t, s, Config{Prefix: "anew", SyncInterval: 100 * time.Millisecond})
	crowd := newCrowd(t, a, broker.Retention{Size: 1000})
	hear(t, a, "chat:", crowd)
	before := newTown(t, names(5), crowd.kept, b)
	before.run("x", 10)
	before.settle(t, crowd)
	a.config.FirstOffset = func() uint64 { return 1000 }
	b.config.FirstOffset = a.config.FirstOffset
	nc, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := nc.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteStream(newStream(a, shardOf("chat:")).name); err != nil {
		t.Fatal(err)
	}
	log := b.Open("chat:new", crowd.kept, newJournal(t))
	p := newPublisher()
	awaitThat(t, "the new stream takes a publication", func() bool { return p.publish(log, "y") == nil })
	p.run(log, "z", 20, 1)
	if told := crowd.journal("chat:new").settle(p.acknowledged); told > 0 {
		t.Errorf("%d announced as gone", told)
	}
}

// Without a server a wildcard says so, and is heard once there is one.
func TestWildcardWithoutAServer(t *testing.T) {
	port := freePort(t)
	e := connect(t, nil, Config{URL: fmt.Sprint("nats://127.0.0.1:", port), Prefix: "late", SyncInterval: 50 * time.Millisecond})
	crowd := newCrowd(t, e, broker.Retention{})
	w := e.OpenWide("chat:", crowd.kept, crowd).(*wide)
	answer := make(chan error, 1)
	w.Ready(func(err error) { answer <- err })
	if err := <-answer; err == nil || !strings.Contains(err.Error(), "no connection") {
		t.Fatal(err)
	}
	server := startNATS(t, t.TempDir(), port)
	t.Cleanup(func() { stopNATS(server) })
	awaitThat(t, "it is ready", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.ready
	})
	p := newPublisher()
	p.run(e.Open("chat:1", broker.Retention{}, newJournal(t)), "x", 5, 1)
	if n := len(p.acknowledged); n != 5 {
		t.Fatal(n)
	}
	if told := crowd.journal("chat:1").settle(p.acknowledged); told > 0 {
		t.Errorf("%d announced as gone", told)
	}
}
