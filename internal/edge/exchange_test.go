package edge

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/broker/jetstream"
)

// startNodes runs nodes on one engine, with a faster clock between them, and waits until they know each other.
func startNodes(t *testing.T, n int, change func(i int, cfg *Config)) (nodes []*Server) {
	t.Helper()
	for i, e := range engines(t, n) {
		cfg := Config{Broker: e, Namespaces: withMembers(), beat: 200 * time.Millisecond, every: 200 * time.Millisecond}
		if change != nil {
			change(i, &cfg)
		}
		nodes = append(nodes, startServer(t, cfg))
	}
	know(t, nodes)
	return nodes
}

// know waits until all nodes know each other.
func know(t *testing.T, nodes []*Server) {
	t.Helper()
	eventually(t, "all nodes know each other", func() bool {
		return !slices.ContainsFunc(nodes, func(s *Server) bool { return len(s.cluster.Nodes()) != len(nodes)-1 })
	})
}

// everywhere waits until every node answers the API's question about a channel alike, and returns the answer.
func everywhere(t *testing.T, nodes []*Server, path, body, want string) {
	t.Helper()
	for i, s := range nodes {
		var got string
		eventually(t, fmt.Sprintf("node %d answers %s to %s %s", i, want, path, body), func() bool {
			_, got = post(t, s, path, body)
			return got == want
		})
	}
}

// clientsOf is a list of clients as it is answered, in order.
func clientsOf(ids ...string) string {
	ids = slices.Sorted(slices.Values(ids))
	return `"clients":[{"client":"` + strings.Join(ids, `"},{"client":"`) + `"}]`
}

func TestPresenceAcrossNodes(t *testing.T) {
	nodes := startNodes(t, 3, nil)
	var ids []string
	var all []*client
	for i := range 6 {
		c := greet(t, nodes[i%2]) // none at the third
		c.subscribe("team:1")
		c.subscribe("news")
		all, ids = append(all, c), append(ids, c.id)
	}
	whole := `{"channel":"team:1","count":6,` + clientsOf(ids...) + `}`
	everywhere(t, nodes, "/api/presence", `{"channel":"team:1"}`, whole)
	everywhere(t, nodes, "/api/presence", `{"channel":"news"}`, `{"channel":"news","count":6}`) // keeps no members
	everywhere(t, nodes, "/api/channels", `{"prefix":"team"}`, `{"channels":[{"channel":"team:1","subscribers":6}]}`)
	outside := greet(t, nodes[2])
	for _, c := range []*client{all[0], all[1], outside} {
		c.say(`{"type":"presence","id":1,"channel":"team:1"}`, `{"type":"ping","id":2}`)
		c.want(`{"type":"presence","id":1,` + whole[1:])
		c.want(`{"type":"pong","id":2}`) // answers keep the order of commands
	}
	all[0].conn.Close()
	everywhere(t, nodes, "/api/presence", `{"channel":"team:1"}`, `{"channel":"team:1","count":5,`+clientsOf(ids[1:]...)+`}`)
}

// Pages go through the members, and the channels, of all nodes, each once.
func TestPagesAcrossNodes(t *testing.T) {
	nodes := startNodes(t, 3, nil)
	var ids, names []string
	for i := range 17 {
		c := greet(t, nodes[i%3])
		c.subscribe("team:1")
		c.subscribe(fmt.Sprintf("team:page-%02d", i*5%17))
		ids, names = append(ids, c.id), append(names, fmt.Sprintf("team:page-%02d", i))
	}
	slices.Sort(ids)
	walk := func(s *Server, path, body string) (got []string) {
		for next := "-"; next != ""; {
			_, text := post(t, s, path, fmt.Sprintf(`{%s,"limit":4,"after":%q}`, body, strings.Trim(next, "-")))
			var answer struct {
				Count      int
				Incomplete bool
				Next       string
				Clients    []struct{ Client string }
				Channels   []struct {
					Channel     string
					Subscribers int
				}
			}
			if err := json.Unmarshal([]byte(text), &answer); err != nil || answer.Incomplete {
				t.Fatal(text, err)
			}
			for _, c := range answer.Clients {
				got = append(got, c.Client)
			}
			for _, c := range answer.Channels {
				got = append(got, c.Channel)
			}
			next = answer.Next
		}
		return got
	}
	for _, s := range nodes {
		if got := walk(s, "/api/presence", `"channel":"team:1"`); !slices.Equal(got, ids) {
			t.Errorf("members %v, want %v", got, ids)
		}
		if got := walk(s, "/api/channels", `"prefix":"team:page"`); !slices.Equal(got, names) {
			t.Errorf("channels %v, want %v", got, names)
		}
	}
}

func TestNoticesAcrossNodes(t *testing.T) {
	nodes := startNodes(t, 3, nil)
	a, b := greet(t, nodes[0]), greet(t, nodes[1])
	a.subscribe("chat:1")
	eventually(t, "a is open", func() bool { return nodes[0].exchange.Stats().Channels == 1 })
	b.subscribe("chat:1")
	a.want(`{"type":"join","channel":"chat:1","client":"` + b.id + `","count":2}`)
	b.want(`{"type":"presence","channel":"chat:1","count":2}`) // whom the node does not know by name
	x := greet(t, nodes[1])
	x.subscribe("chat:1")
	for _, c := range []*client{a, b} {
		c.want(`{"type":"join","channel":"chat:1","client":"` + x.id + `","count":3}`)
	}
	x.say(`{"type":"unsubscribe","channel":"chat:1"}`)
	for _, c := range []*client{a, b} {
		c.want(`{"type":"leave","channel":"chat:1","client":"` + x.id + `","count":2}`)
	}
	b.conn.Close() // the last at its node
	a.want(`{"type":"leave","channel":"chat:1","client":"` + b.id + `","count":1}`)
	a.idle()
	eventually(t, "the second node has forgotten the channel", func() bool { return nodes[1].exchange.Stats().Channels == 0 })
}

// cutEngine is an engine whose node can be cut off from the others, in both directions, as if its process were dead, or could not be reached.
type cutEngine struct {
	*jetstream.Engine
	cut *cut
}

func (e cutEngine) Say(subject string, data []byte) {
	if !e.cut.loses(data) {
		e.Engine.Say(subject, data)
	}
}

func (e cutEngine) Hear(subject string, take func([]byte)) error {
	return e.Engine.Hear(subject, func(data []byte) {
		if !e.cut.off.Load() {
			take(data)
		}
	})
}

// A node that is killed says nothing any more: its members are gone everywhere, and who is there is told once. When it was only cut off, they are back.
func TestDeadNode(t *testing.T) {
	var cuts [3]cut
	nodes := startNodes(t, 3, func(i int, cfg *Config) { cfg.Broker = cutEngine{cfg.Broker.(*jetstream.Engine), &cuts[i]} })
	a := greet(t, nodes[0])
	a.subscribe("chat:1")
	eventually(t, "a is open", func() bool { return nodes[0].exchange.Stats().Channels == 1 })
	for i := range 3 {
		greet(t, nodes[2]).subscribe("chat:1")
		a.want(fmt.Sprintf(`{"type":"join",*"count":%d}`, i+2))
	}
	cuts[2].mute.Store(true)
	if _, answer := post(t, nodes[1], "/api/presence", `{"channel":"chat:1"}`); answer != `{"channel":"chat:1","count":1,"incomplete":true,`+clientsOf(a.id)+`}` {
		t.Error(answer)
	}
	if _, answer := post(t, nodes[0], "/api/presence", `{"channel":"chat:1"}`); answer != `{"channel":"chat:1","count":4,"incomplete":true,`+clientsOf(a.id)+`}` {
		t.Error(answer, "where the channel is open, the node's last count stands in for its answer")
	}
	if _, answer := post(t, nodes[1], "/api/channels", `{}`); answer != `{"channels":[{"channel":"chat:1","subscribers":1}],"incomplete":true}` {
		t.Error(answer)
	}
	cuts[2].off.Store(true)
	a.want(`{"type":"presence","channel":"chat:1","count":1}`)
	everywhere(t, nodes[:2], "/api/presence", `{"channel":"chat:1"}`, `{"channel":"chat:1","count":1,`+clientsOf(a.id)+`}`)
	cuts[2].mute.Store(false)
	cuts[2].off.Store(false)
	a.want(`{"type":"presence","channel":"chat:1","count":4}`)
	eventually(t, "nobody is missing", func() bool {
		_, answer := post(t, nodes[1], "/api/presence", `{"channel":"chat:1"}`)
		return strings.Contains(answer, `"count":4,"clients"`)
	})
}

// The clients of a node that ends leave, and what is told of it ends with the right count.
func TestNodeDrains(t *testing.T) {
	nodes := startNodes(t, 2, nil)
	a := greet(t, nodes[0])
	a.subscribe("chat:1")
	eventually(t, "a is open", func() bool { return nodes[0].exchange.Stats().Channels == 1 })
	const crowd = 600
	for range crowd {
		dial(t, nodes[1], "/ws/raw?channel=chat:1", "")
	}
	follow := func(count int) {
		t.Helper()
		for notice := (struct{ Count int }{}); notice.Count != count; {
			if err := json.Unmarshal([]byte(a.hear()), &notice); err != nil {
				t.Fatal(err)
			}
		}
	}
	follow(crowd + 1)
	if err := nodes[1].Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	follow(1)
	t.Logf("%d reports of %d who came and went", nodes[1].exchange.Stats().Reports, crowd)
}
