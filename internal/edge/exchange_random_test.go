package edge

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/wsedge/wsedge/internal/broker/jetstream"
)

// gathering are clients of several nodes in channels of which all nodes should tell the same.
type gathering struct {
	t        *testing.T
	r        *rand.Rand
	nodes    []*Server
	walkers  []*walker
	follower *follower // in chat:1, at the first node
}

// walker is one of its clients.
type walker struct {
	*client
	node int
	in   map[string]bool
}

var gatherings = []string{"chat:1", "chat:2", "team:1"}

// askAgain is how the follower asks for the members.
const askAgain = `{"type":"presence","channel":"chat:1","limit":500,"id":1}`

func (g *gathering) enter(i int) {
	node := i % len(g.nodes)
	g.walkers[i] = &walker{greet(g.t, g.nodes[node]), node, make(map[string]bool)}
}

// walk has clients join, leave and vanish.
func (g *gathering) walk(steps int) {
	for range steps {
		i, place := g.r.IntN(len(g.walkers)), gatherings[g.r.IntN(len(gatherings))]
		switch w := g.walkers[i]; {
		case g.r.IntN(20) == 0:
			w.conn.Close()
			g.enter(i)
		case w.in[place]:
			w.say(fmt.Sprintf(`{"type":"unsubscribe","channel":%q}`, place))
			w.in[place] = false
		default:
			w.say(fmt.Sprintf(`{"type":"subscribe","channel":%q}`, place))
			w.in[place] = true
		}
		if g.r.IntN(10) == 0 { // so that things happen in many reports
			post(g.t, g.nodes[g.r.IntN(len(g.nodes))], "/api/presence", fmt.Sprintf(`{"channel":%q}`, place))
		}
	}
}

// members are those of a channel, at nodes that live.
func (g *gathering) members(place string, alive []*Server) (ids []string) {
	for _, w := range g.walkers {
		if w.in[place] && slices.Contains(alive, g.nodes[w.node]) {
			ids = append(ids, w.id)
		}
	}
	if place == "chat:1" {
		ids = append(ids, g.follower.id)
	}
	return ids
}

// agree waits until all nodes that live, and the follower, know the same.
func (g *gathering) agree(alive []*Server) {
	g.t.Helper()
	for _, place := range gatherings {
		ids := g.members(place, alive)
		if place == "chat:1" {
			g.follower.arrive(ids)
		}
		want := fmt.Sprintf(`{"channel":%q,"count":%d,"clients":[]}`, place, len(ids))
		if len(ids) > 0 {
			want = fmt.Sprintf(`{"channel":%q,"count":%d,%s}`, place, len(ids), clientsOf(ids...))
		}
		everywhere(g.t, alive, "/api/presence", fmt.Sprintf(`{"channel":%q}`, place), want)
		for _, s := range alive {
			eventually(g.t, "the counts behind notices are those of presence", func() bool { return counted(s, place, len(ids)) })
		}
	}
}

// Clients of three nodes join, leave and vanish in any order, while words between the nodes are lost, one node is cut off for a while, and in the end one is dead. Then
// every node tells the same members, and who follows by notices, asking again where they say so, arrives at them, too.
func TestNodesAgree(t *testing.T) {
	seed := rand.Uint64()
	t.Log("seed", seed)
	var cuts [3]cut
	g := &gathering{t: t, r: rand.New(rand.NewPCG(seed, 7)), walkers: make([]*walker, 18)}
	g.nodes = startNodes(t, 3, func(i int, cfg *Config) { cfg.Broker = cutEngine{cfg.Broker.(*jetstream.Engine), &cuts[i]} })
	for i := range g.walkers {
		g.enter(i)
	}
	g.follower = &follower{client: greet(t, g.nodes[0])}
	g.follower.subscribe("chat:1")
	g.follower.say(askAgain)
	g.walk(300)
	g.agree(g.nodes)
	for i := range cuts {
		cuts[i].lost.Store(20)
	}
	g.walk(200)
	cuts[2].off.Store(true)
	g.walk(100)
	for i := range cuts {
		cuts[i].lost.Store(0)
	}
	cuts[2].off.Store(false)
	know(t, g.nodes)
	g.agree(g.nodes)
	g.walk(100)
	cuts[1].off.Store(true)
	g.agree([]*Server{g.nodes[0], g.nodes[2]})
}

// counted tells whether a node with members of a channel with notices knows of so many.
func counted(s *Server, name string, n int) bool {
	c := s.hub.Find(name)
	if c == nil {
		return true
	}
	defer c.Release()
	told, open := c.Told()
	return !open || told == n
}

// arrive follows the notices until the members are those; a count that stands for more has it ask again.
func (f *follower) arrive(ids []string) {
	f.t.Helper()
	want := make(map[string]bool)
	for _, id := range ids {
		want[id] = true
	}
	for f.members == nil || !maps.Equal(f.members, want) {
		text := f.hear()
		var m struct {
			ID         int
			Type       string
			Incomplete bool
		}
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			f.t.Fatal(err)
		}
		if m.Type == "presence" && (m.ID == 0 || m.Incomplete) {
			f.say(askAgain)
		} else {
			f.take(text)
		}
	}
}
