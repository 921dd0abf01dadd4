package edge

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/broker/embedded"
	"github.com/wsedge/wsedge/internal/broker/jetstream"
)

// engines makes engines of several nodes, on one embedded server. end ends them, behind the servers that use them.
func engines(t *testing.T, n int) (list []*jetstream.Engine) {
	t.Helper()
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	s, err := embedded.Start(embedded.Config{Dir: t.TempDir(), Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	for range n {
		e, err := jetstream.Connect(jetstream.Config{Options: s.Options(), Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(e.Close)
		list = append(list, e)
	}
	return list
}

// What is published at one node is heard at the other, and who changes the node gets what was missed.
func TestTwoNodes(t *testing.T) {
	es := engines(t, 2)
	namespaces := keeping(10, nil)
	a, b := startServer(t, Config{Broker: es[0], Namespaces: namespaces}), startServer(t, Config{Broker: es[1], Namespaces: namespaces})
	c := greet(t, b)
	c.say(`{"type":"subscribe","channel":"news"}`)
	var at struct {
		Epoch  string
		Offset uint64
	}
	if text := c.hear(); json.Unmarshal([]byte(text), &at) != nil || at.Epoch == "" {
		t.Fatal(text)
	}
	for i := range 3 {
		if status, body := post(t, a, "/api/publish", fmt.Sprintf(`{"channel":"news","data":%d}`, i)); status != 200 {
			t.Fatalf("%d %s", status, body)
		}
		c.want(fmt.Sprintf(`{"type":"message","channel":"news","data":%d,*}`, i))
	}
	publisher := greet(t, a)
	publisher.say(`{"type":"publish","id":1,"channel":"news","data":3}`)
	publisher.want(`{"type":"published","id":1,"channel":"news","offset":*}`)
	c.want(`{"type":"message","channel":"news","data":3,*}`)
	back := greet(t, a)
	back.say(fmt.Sprintf(`{"type":"subscribe","channel":"news","recover":{"epoch":%q,"offset":%d}}`, at.Epoch, at.Offset))
	back.want(`{"type":"subscribed","channel":"news","epoch":"` + at.Epoch + `",*"recovered":true}`)
	for i := range 4 {
		back.want(fmt.Sprintf(`{"type":"message","channel":"news","data":%d,*}`, i))
	}
}

// A gap of the engine is told in the native dialect, and the raw one, which has no words for it, goes on.
func TestGapOfTheEngine(t *testing.T) {
	sinks := make(chan broker.Sink, 1)
	s := startServer(t, Config{Broker: gapEngine{broker.NewMemory(broker.MemoryConfig{}), sinks}})
	c := greet(t, s)
	c.subscribe("news")
	r := dial(t, s, "/ws/raw?channel=news", "")
	sink := <-sinks
	publish := func(offset, prev uint64) {
		if _, err := sink.Deliver(publicationOf(fmt.Sprint(offset)), offset, prev); err != nil {
			t.Error(err)
		}
	}
	eventually(t, "both are subscribed", func() bool { return subscribers(s, "news") == 2 })
	publish(1, 0)
	if err := sink.Gap(1, 7); err != nil {
		t.Error(err)
	}
	publish(7, 6)
	c.want(`{"type":"message","channel":"news","data":1,"offset":1}`)
	c.want(`{"type":"gap","channel":"news","after":1,"before":7}`)
	c.want(`{"type":"message","channel":"news","data":7,"offset":7}`)
	for _, want := range []string{"1", "7"} {
		if _, got := r.next(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// gapEngine hands out the sinks of its logs.
type gapEngine struct {
	*broker.Memory
	sinks chan broker.Sink
}

func (e gapEngine) Open(channel string, r broker.Retention, sink broker.Sink) broker.Log {
	e.sinks <- sink
	return e.Memory.Open(channel, r, sink)
}

func page(t *testing.T, s *Server, path string) string {
	t.Helper()
	_, text := call(t, s, "GET", path, "", nil)
	return text
}

// A node whose engine could not be used yet is not ready.
func TestEngineStarts(t *testing.T) {
	e, err := jetstream.Connect(jetstream.Config{URL: "nats://127.0.0.1:1", Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	s := startServer(t, Config{Broker: e})
	if status, body := call(t, s, "GET", "/readyz", "", nil); status != 503 || !strings.HasPrefix(body, "starting: the engine") {
		t.Errorf("/readyz %d %s", status, body)
	}
	if status, _ := call(t, s, "GET", "/healthz", "", nil); status != 200 {
		t.Errorf("/healthz %d", status)
	}
	greet(t, s)
}

// While the engine is away clients stay, and are told why nothing can be published.
func TestEngineIsAway(t *testing.T) {
	es := engines(t, 1)
	s := startServer(t, Config{Broker: es[0]})
	c := greet(t, s)
	c.subscribe("news")
	eventually(t, "the engine is ready", func() bool { return strings.Contains(page(t, s, "/readyz"), "engine: up") })
	if got := page(t, s, "/metrics"); !strings.Contains(got, "wsedge_engine_up 1\n") {
		t.Errorf("%q", got)
	}
	es[0].Close()
	c.say(`{"type":"publish","id":1,"channel":"news","data":1}`)
	c.want(`{"type":"error","id":1,"channel":"news","code":"unavailable","message":"the engine *}`)
	if status, body := post(t, s, "/api/publish", `{"channel":"news","data":1}`); status != 503 || !strings.Contains(body, "the engine") {
		t.Errorf("%d %s", status, body)
	}
	c.say(`{"type":"ping","id":2}`)
	c.want(`{"type":"pong","id":2}`)
}

// subscribers is how many a channel that is open has.
func subscribers(s *Server, name string) int {
	channel := s.hub.Find(name)
	defer channel.Release()
	return channel.Topic().Subscribers()
}

// Nodes that share an engine know each other, for as long as they live.
func TestNodesKnowEachOther(t *testing.T) {
	es := engines(t, 2)
	a, b := startServer(t, Config{Broker: es[0]}), startServer(t, Config{Broker: es[1]})
	eventually(t, "a knows b", func() bool { nodes := a.cluster.Nodes(); return len(nodes) == 1 && nodes[0].ID == b.node })
	if err := b.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "b has said that it ends", func() bool { return len(a.cluster.Nodes()) == 0 })
	if alone := startServer(t, Config{}); alone.cluster != nil {
		t.Error("with the memory's engine there are no other nodes")
	}
}
