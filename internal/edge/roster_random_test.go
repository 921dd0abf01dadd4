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

// Clients of three nodes join, leave and vanish in any order, while words between the nodes are lost, one node is cut off for a while, and in the end one is dead. Then
// every node tells the same members, and who follows by notices, asking again where they say so, arrives at them, too.
func TestNodesAgree(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 7))
	t.Log("seed", seed)
	var cuts [3]cut
	nodes := startNodes(t, 3, func(i int, cfg *Config) { cfg.Broker = cutEngine{cfg.Broker.(*jetstream.Engine), &cuts[i]} })
	places := []string{"chat:1", "chat:2", "team:1"}
	type walker struct {
		*client
		node int
		in   map[string]bool
	}
	walkers := make([]*walker, 18)
	enter := func(i int) {
		walkers[i] = &walker{greet(t, nodes[i%3]), i % 3, make(map[string]bool)}
	}
	for i := range walkers {
		enter(i)
	}
	walk := func(steps int) {
		for range steps {
			i, place := r.IntN(len(walkers)), places[r.IntN(len(places))]
			switch w := walkers[i]; {
			case r.IntN(20) == 0:
				w.conn.Close()
				enter(i)
			case w.in[place]:
				w.say(fmt.Sprintf(`{"type":"unsubscribe","channel":%q}`, place))
				w.in[place] = false
			default:
				w.say(fmt.Sprintf(`{"type":"subscribe","channel":%q}`, place))
				w.in[place] = true
			}
			if r.IntN(10) == 0 { // so that things happen in many reports
				post(t, nodes[r.IntN(3)], "/api/presence", fmt.Sprintf(`{"channel":%q}`, place))
			}
		}
	}
	f := &follower{client: greet(t, nodes[0])}
	f.subscribe("chat:1")
	const again = `{"type":"presence","channel":"chat:1","limit":500,"id":1}`
	f.say(again)
	agree := func(alive []*Server) {
		t.Helper()
		for _, place := range places {
			var ids []string
			for _, w := range walkers {
				if w.in[place] && slices.Contains(alive, nodes[w.node]) {
					ids = append(ids, w.id)
				}
			}
			if place == "chat:1" {
				ids = append(ids, f.id)
				want := make(map[string]bool)
				for _, id := range ids {
					want[id] = true
				}
				f.arrive(t, want, again)
			}
			want := fmt.Sprintf(`{"channel":%q,"count":%d,"clients":[]}`, place, len(ids))
			if len(ids) > 0 {
				want = fmt.Sprintf(`{"channel":%q,"count":%d,%s}`, place, len(ids), clientsOf(ids...))
			}
			everywhere(t, alive, "/api/presence", fmt.Sprintf(`{"channel":%q}`, place), want)
			for _, s := range alive {
				eventually(t, "the counts behind notices are those of presence", func() bool { return counted(s, place, len(ids)) })
			}
		}
	}
	walk(300)
	agree(nodes)
	for i := range cuts {
		cuts[i].lost.Store(20)
	}
	walk(200)
	cuts[2].off.Store(true)
	walk(100)
	for i := range cuts {
		cuts[i].lost.Store(0)
	}
	cuts[2].off.Store(false)
	know(t, nodes)
	agree(nodes)
	walk(100)
	cuts[1].off.Store(true)
	agree([]*Server{nodes[0], nodes[2]})
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
func (f *follower) arrive(t *testing.T, want map[string]bool, again string) {
	t.Helper()
	for f.members == nil || !maps.Equal(f.members, want) {
		text := f.hear()
		var m struct {
			ID         int
			Type       string
			Incomplete bool
		}
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Fatal(err)
		}
		switch {
		case m.Type == "presence" && (m.ID == 0 || m.Incomplete):
			f.say(again)
		default:
			f.take(text)
		}
	}
}
