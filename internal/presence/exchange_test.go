package presence_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/cluster"
	"github.com/wsedge/wsedge/internal/hub"
	"github.com/wsedge/wsedge/internal/leaktest"
	"github.com/wsedge/wsedge/internal/presence"
)

func TestMain(m *testing.M) { leaktest.Run(m, func() {}) }

// patience is how long a test waits for what must come. It is no measure of anything.
const patience = time.Minute

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// ether carries what nodes say, in the order of each.
type ether struct {
	mu    sync.Mutex
	wires []*wire
}

// wire is a node's end of it.
type wire struct {
	ether *ether
	loses atomic.Pointer[func(data []byte) bool] // what this node says; nil: nothing
	said  sync.Map                               // *atomic.Int64 by kinds of words

	mu    sync.Mutex
	takes map[string]func([]byte)
	queue chan [2]string
}

func (e *ether) join(t *testing.T) *wire {
	w := &wire{ether: e, takes: make(map[string]func([]byte)), queue: make(chan [2]string, 100_000)}
	e.mu.Lock()
	e.wires = append(e.wires, w)
	e.mu.Unlock()
	over := make(chan struct{})
	go func() {
		defer close(over)
		for m := range w.queue {
			w.mu.Lock()
			take := w.takes[m[0]]
			w.mu.Unlock()
			if take != nil {
				take([]byte(m[1]))
			}
		}
	}()
	t.Cleanup(func() {
		e.mu.Lock()
		e.wires = slices.DeleteFunc(e.wires, func(other *wire) bool { return other == w })
		e.mu.Unlock()
		close(w.queue)
		<-over
	})
	return w
}

func (w *wire) Say(subject string, data []byte) {
	for _, word := range []string{"presence.report", "presence.members", "presence.digest"} {
		if bytes.Contains(data, []byte(`"topic":"`+word)) {
			w.count(word).Add(1)
		}
	}
	if loses := w.loses.Load(); loses != nil && (*loses)(data) {
		return
	}
	w.ether.mu.Lock()
	defer w.ether.mu.Unlock()
	for _, to := range w.ether.wires {
		to.queue <- [2]string{subject, string(data)}
	}
}

func (w *wire) Hear(subject string, take func([]byte)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.takes[subject] = take
	return nil
}

func (w *wire) Unhear(subject string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.takes, subject)
}

func (w *wire) count(word string) *atomic.Int64 {
	n, _ := w.said.LoadOrStore(word, new(atomic.Int64))
	return n.(*atomic.Int64)
}

// lose says what is lost of what the node says from now on: all that has one of the words in it.
func (w *wire) lose(words ...string) {
	loses := func(data []byte) bool {
		return slices.ContainsFunc(words, func(word string) bool { return bytes.Contains(data, []byte(word)) })
	}
	w.loses.Store(&loses)
}

// node is one of a test's.
type node struct {
	t *testing.T
	*presence.Exchange
	wire    *wire
	hub     *hub.Hub
	cluster *cluster.Cluster
}

// join makes a node, in whose channels there are notices but in silent:.
func join(t *testing.T, e *ether, id string, config presence.Config) *node {
	t.Helper()
	n := &node{t: t, Exchange: presence.New(), wire: e.join(t)}
	namespaces := channel.Open()
	namespaces.Default.Members, namespaces.Default.JoinLeave = true, true
	namespaces.ByName = map[string]*channel.Options{"silent": {Members: true}}
	n.hub = hub.New(hub.Config{
		Broker: broker.NewMemory(broker.MemoryConfig{}), Namespaces: namespaces, Exchange: n.Exchange,
		Client: func(number uint64) string { return id + "-" + strconv.FormatUint(number, 10) },
	})
	var err error
	if n.cluster, err = cluster.Join(cluster.Config{Wire: n.wire, Self: cluster.Node{ID: id}, Logger: quiet}); err != nil {
		t.Fatal(err)
	}
	config.Hub, config.Cluster, config.Logger = n.hub, n.cluster, quiet
	if config.Every == 0 {
		config.Every = 100 * time.Millisecond
	}
	n.Begin(config)
	t.Cleanup(func() {
		n.Close()
		n.cluster.Close()
	})
	return n
}

// two are nodes that know each other.
func two(t *testing.T, config presence.Config) (a, b *node) {
	e := &ether{}
	a, b = join(t, e, "a", config), join(t, e, "b", config)
	await(t, "both know each other", func() bool { return a.cluster.Has("b") && b.cluster.Has("a") })
	return a, b
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// enter has a client be a member of a channel, until leave is called.
func (n *node) enter(name string, client uint64) (leave func()) {
	n.t.Helper()
	c, err := n.hub.Acquire(name)
	if err != nil {
		n.t.Fatal(err)
	}
	c.Enter(client, nil, nil)
	return func() {
		c.Leave(client, nil)
		c.Release()
	}
}

// knows waits until the node knows how many members a channel has.
func (n *node) knows(name string, count int) {
	n.t.Helper()
	last := -1
	defer func() {
		if n.t.Failed() {
			n.t.Logf("it knows of %d, not %d", last, count)
		}
	}()
	await(n.t, "the node knows all members", func() bool {
		c := n.hub.Find(name)
		if c == nil {
			return false
		}
		defer c.Release()
		last, _ = c.Told()
		return last == count
	})
}

func TestCounts(t *testing.T) {
	a, b := two(t, presence.Config{Every: time.Hour})
	a.enter("chat", 1)
	leave := b.enter("chat", 1)
	b.enter("other", 1)
	a.knows("chat", 2)
	b.knows("chat", 2)
	b.enter("chat", 2)
	a.knows("chat", 3)
	leave()
	a.knows("chat", 2)
	if got := a.Stats(); got.Channels != 1 {
		t.Errorf("a follows what it has not: %+v", got)
	}
	b.cluster.Close() // it says so
	a.knows("chat", 1)
}

// Where there are no notices nobody is told anything.
func TestSilence(t *testing.T) {
	a, b := two(t, presence.Config{})
	for i := range uint64(100) {
		a.enter("silent:1", i)
		b.enter("silent:1", i)
	}
	await(t, "a few digests", func() bool { return a.wire.count("presence.digest").Load() > 3 })
	if n := a.wire.count("presence.report").Load(); n != 0 || a.Stats() != (presence.Stats{}) {
		t.Errorf("%d reports, %+v", n, a.Stats())
	}
}

// Whatever is lost of what nodes tell each other, rounds repair it.
func TestRoundsRepair(t *testing.T) {
	a, b := two(t, presence.Config{})
	for _, n := range []*node{a, b} {
		n.wire.lose("presence.report")
	}
	a.enter("chat", 1)
	leave := b.enter("chat", 1)
	await(t, "both have told of it", func() bool { return a.Stats().Reports > 2 && b.Stats().Reports > 2 })
	for _, n := range []*node{a, b} {
		n.wire.lose()
	}
	a.knows("chat", 2)
	b.knows("chat", 2)
	b.wire.lose(`"closed":true`)
	leave()
	await(t, "b has told that it has none", func() bool { return b.Stats().Channels == 0 })
	a.knows("chat", 1)
}

// A channel that the hub has dropped and made anew is the same one to others.
func TestChannelMadeAnew(t *testing.T) {
	a, b := two(t, presence.Config{Every: time.Hour})
	a.enter("chat", 1)
	for i := range uint64(20) {
		leave := b.enter("chat", i)
		a.knows("chat", 2)
		leave()
		if i%2 == 0 {
			a.knows("chat", 1)
		}
	}
	a.knows("chat", 1)
}

// The same question, asked many times, goes to the others once, and once more for those who came meanwhile.
func TestSameQuestion(t *testing.T) {
	a, b := two(t, presence.Config{Timeout: time.Hour})
	b.enter("chat", 1)
	b.wire.lose(`"kind":"answer"`)
	const n = 100
	answers := make(chan []hub.Answer, n)
	for range n {
		a.Members("chat", "", 10, func(got []hub.Answer) { answers <- got })
	}
	if n := a.wire.count("presence.members").Load(); n != 1 {
		t.Errorf("%d questions", n)
	}
	b.wire.lose()
	b.cluster.Close() // the first is answered by that; the others ask nobody
	for i := range n {
		if got := <-answers; i == 0 && (len(got) != 1 || !got[0].Incomplete) || i > 0 && len(got) != 0 {
			t.Fatalf("answer %d: %+v", i, got)
		}
	}
}

// Who can't be asked is missing, at once.
func TestUnreachable(t *testing.T) {
	var down atomic.Bool
	a, b := two(t, presence.Config{Timeout: time.Hour, Reachable: func() bool { return !down.Load() }})
	b.enter("chat", 1)
	ask := func(channel string) (merged string) {
		answers := make(chan []hub.Answer, 1)
		a.Members(channel, "", 10, func(got []hub.Answer) { answers <- got })
		m := a.hub.Merge(channel, "", 10, <-answers)
		return fmt.Sprint(m.Count, len(m.Clients), m.Incomplete)
	}
	if got := ask("chat"); got != "1 1 false" {
		t.Error(got)
	}
	down.Store(true)
	if got := ask("chat"); got != "0 0 true" {
		t.Error(got)
	}
	if page, _, incomplete := a.Channels("", "", 10); len(page) != 0 || !incomplete {
		t.Errorf("%+v", page)
	}
	down.Store(false)
	b.wire.lose(`"kind":"answer"`)
	for i := range 5000 {
		a.Members(fmt.Sprint(i), "", 10, func([]hub.Answer) {})
	}
	if got := ask("one too many"); got != "0 0 true" {
		t.Error(got)
	}
}
