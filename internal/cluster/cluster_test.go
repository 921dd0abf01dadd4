package cluster_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/broker/embedded"
	"github.com/wsedge/wsedge/internal/broker/jetstream"
	"github.com/wsedge/wsedge/internal/cluster"
	"github.com/wsedge/wsedge/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Run(m, func() {}) }

// patience is how long a test waits for what must come. It is no measure of anything.
const patience = time.Minute

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// server is a NATS for a test.
func server(t *testing.T) *embedded.Server {
	t.Helper()
	s, err := embedded.Start(embedded.Config{Dir: t.TempDir(), Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// wire is a connection to it, which can lose what is said.
type wire struct {
	*jetstream.Engine
	deaf atomic.Bool
}

func (w *wire) Say(subject string, data []byte) {
	if !w.deaf.Load() {
		w.Engine.Say(subject, data)
	}
}

// node is one of a test's, with what happened to the others.
type node struct {
	*cluster.Cluster
	wire    *wire
	mu      sync.Mutex
	changes []string
	told    []string
}

func join(t *testing.T, s *embedded.Server, id string, beat time.Duration) *node {
	t.Helper()
	engine, err := jetstream.Connect(jetstream.Config{Options: s.Options(), Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(engine.Close)
	n := &node{wire: &wire{Engine: engine}}
	n.Cluster, err = cluster.Join(cluster.Config{Wire: n.wire, Self: cluster.Node{ID: id, Name: "name of " + id}, Beat: beat, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	n.OnChange(func(c cluster.Change) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.changes = append(n.changes, c.Node.ID+" "+c.What.String())
	})
	n.Handle("say", func(from string, body []byte) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.told = append(n.told, from+string(body))
	})
	return n
}

func (n *node) ids() string {
	var ids []string
	for _, other := range n.Nodes() {
		ids = append(ids, other.ID)
	}
	return strings.Join(ids, " ")
}

func (n *node) seen() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.changes)
}

func (n *node) heard() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.told)
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// three are nodes that know each other. With the usual beat, who is not heard for a moment is not taken for gone.
func three(t *testing.T) (a, b, c *node) { return threeOf(t, time.Second) }

func threeOf(t *testing.T, beat time.Duration) (a, b, c *node) {
	t.Helper()
	s := server(t)
	a, b, c = join(t, s, "a", beat), join(t, s, "b", beat), join(t, s, "c", beat)
	await(t, "all know each other", func() bool { return a.ids() == "b c" && b.ids() == "a c" && c.ids() == "a b" })
	return a, b, c
}

func TestNodesComeAndLeave(t *testing.T) {
	a, b, c := threeOf(t, 200*time.Millisecond) // a short one: it is waited for that one is
	b.Close()
	await(t, "b has said that it ends", func() bool { return a.ids() == "c" && c.ids() == "a" })
	c.wire.deaf.Store(true)
	await(t, "c is not heard any more", func() bool { return a.ids() == "" })
	if c.ids() != "a" {
		t.Errorf("c, which does not hear its own beats, has judged others: %q", c.ids())
	}
	c.wire.deaf.Store(false)
	await(t, "c is back", func() bool { return a.ids() == "c" })
	if seen := a.seen(); !slices.Equal(slices.DeleteFunc(seen, func(s string) bool { return s[0] != 'c' }), []string{"c came", "c left", "c came"}) {
		t.Errorf("%q", a.seen())
	}
	if name := a.Nodes()[0].Name; name != "name of c" {
		t.Error(name)
	}
}

func TestTellInOrder(t *testing.T) {
	a, b, c := three(t)
	const n = 500
	var want []string
	for i := range n {
		want = append(want, fmt.Sprint("a", i))
		if err := a.Tell("say", i); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Tell("unheard of", 1); err != nil {
		t.Fatal(err)
	}
	if err := a.TellOne("c", "say", n); err != nil {
		t.Fatal(err)
	}
	await(t, "all was told", func() bool { return len(b.heard()) == n && len(c.heard()) == n+1 })
	if !slices.Equal(b.heard(), want) || !slices.Equal(slices.DeleteFunc(c.heard(), func(s string) bool { return s == fmt.Sprint("a", n) }), want) {
		t.Error("not in order")
	}
	if len(a.heard()) != 0 {
		t.Errorf("a heard itself: %q", a.heard())
	}
	if err := a.Tell("say", strings.Repeat("x", cluster.MaxMessage)); err != cluster.ErrTooLarge {
		t.Error(err)
	}
}

// What is lost is told as lost to those who listen, at the next beat at the latest.
func TestLost(t *testing.T) {
	a, b, _ := three(t)
	a.wire.deaf.Store(true)
	if err := a.Tell("say", 1); err != nil {
		t.Fatal(err)
	}
	a.wire.deaf.Store(false)
	await(t, "the loss is noticed", func() bool { return slices.Contains(b.seen(), "a lost") })
	if b.Stats().Lost == 0 {
		t.Errorf("%+v", b.Stats())
	}
}

// ask asks, and waits for the answers.
func (n *node) ask(t *testing.T, topic string, timeout time.Duration) cluster.Answers {
	t.Helper()
	done := make(chan cluster.Answers, 2)
	if err := n.Ask(topic, "what", timeout, func(a cluster.Answers) { done <- a }); err != nil {
		t.Fatal(err)
	}
	answers := <-done
	select {
	case <-done:
		t.Error("done was called twice")
	default:
	}
	return answers
}

func TestAsk(t *testing.T) {
	a, b, c := three(t)
	for _, n := range []*node{b, c} {
		n.Answer("name", func(from string, body []byte, reply func(any)) { reply(n.Self().Name + " for " + from + string(body)) })
	}
	b.Answer("half", func(_ string, _ []byte, reply func(any)) { reply(1) })
	b.Answer("large", func(_ string, _ []byte, reply func(any)) { reply(strings.Repeat("x", cluster.MaxMessage)) })
	b.Answer("silent", func(string, []byte, func(any)) {})
	got := a.ask(t, "name", patience)
	if text, _ := json.Marshal(got); string(text) != `{"By":{"b":"name of b for a\"what\"","c":"name of c for a\"what\""},"Missing":null}` {
		t.Errorf("%s", text)
	}
	if got = a.ask(t, "half", patience); len(got.By) != 1 || !slices.Equal(got.Missing, []string{"c"}) {
		t.Errorf("a node that does not know the topic: %+v", got)
	}
	if got = a.ask(t, "large", patience); len(got.By) != 0 || len(got.Missing) != 2 {
		t.Errorf("an answer that is too large: %+v", got)
	}
	if got = a.ask(t, "silent", time.Millisecond); len(got.By) != 0 || len(got.Missing) != 2 {
		t.Errorf("no answer: %+v", got)
	}
	b.Answer("leaves", func(string, []byte, func(any)) { go b.Close() })
	if got = a.ask(t, "leaves", patience); !slices.Contains(got.Missing, "b") {
		t.Errorf("who leaves is not waited for: %+v", got)
	}
}

func TestAskOne(t *testing.T) {
	a, b, c := three(t)
	for _, n := range []*node{b, c} {
		n.Answer("name", func(_ string, _ []byte, reply func(any)) { reply(n.Self().ID) })
	}
	for _, row := range []struct{ node, want string }{{"b", `{"By":{"b":"b"},"Missing":null}`}, {"a", `{"By":{},"Missing":null}`}, {"z", `{"By":{},"Missing":null}`}} {
		done := make(chan cluster.Answers, 1)
		if err := a.AskOne(row.node, "name", 1, patience, func(got cluster.Answers) { done <- got }); err != nil {
			t.Fatal(err)
		}
		if text, _ := json.Marshal(<-done); string(text) != row.want {
			t.Errorf("%s: %s", row.node, text)
		}
	}
}

// An open question ends with the cluster, and none can be asked afterwards.
func TestCloseEndsQuestions(t *testing.T) {
	a, b, c := three(t)
	for _, n := range []*node{b, c} {
		n.Answer("silent", func(string, []byte, func(any)) {})
	}
	done := make(chan cluster.Answers, 1)
	if err := a.Ask("silent", nil, time.Hour, func(answers cluster.Answers) { done <- answers }); err != nil {
		t.Fatal(err)
	}
	a.Close()
	if got := <-done; len(got.Missing) != 2 {
		t.Errorf("%+v", got)
	}
	if err := a.Ask("silent", nil, time.Hour, nil); err != cluster.ErrClosed {
		t.Error(err)
	}
	if err := a.Tell("say", 1); err != cluster.ErrClosed {
		t.Error(err)
	}
}

func TestAlone(t *testing.T) {
	var alone *cluster.Cluster
	asked := false
	if err := alone.Ask("x", 1, time.Hour, func(a cluster.Answers) { asked = len(a.By)+len(a.Missing) == 0 }); err != nil || !asked {
		t.Error(err, asked)
	}
	alone.Handle("x", nil)
	alone.Answer("x", nil)
	alone.OnChange(nil)
	alone.Unfollow("g")
	if alone.Follow("g") != nil || alone.TellGroup("g", "x", 1) != nil || alone.Has("y") {
		t.Error("a node that is alone has groups")
	}
	if alone.Tell("x", 1) != nil || alone.TellOne("y", "x", 1) != nil || alone.Nodes() != nil || alone.Self() != (cluster.Node{}) || alone.Stats() != (cluster.Stats{}) {
		t.Error("a node that is alone")
	}
	alone.Close()
}
