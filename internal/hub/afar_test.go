package hub

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/dialect"
)

// stirs counts what an exchange is told.
type stirs struct{ n int }

func (s *stirs) Stirred(*Channel) { s.n++ }

// newNodeHub makes the hub of one node of several, whose channels have notices. Its clients have ids that begin with its name. Its clock stands still: what is kept
// behind a question is let go after a while.
func newNodeHub(node string) (*Hub, *stirs) {
	exchange := &stirs{}
	now := func() time.Time { return time.Unix(1_000_000, 0) }
	h := newHub(Config{Exchange: exchange, Now: now, Client: func(number uint64) string { return node + "-" + strconv.FormatUint(number+100, 10) }})
	n := channel.Open()
	n.Default.Members, n.Default.JoinLeave = true, true
	n.ByName = map[string]*channel.Options{"silent": {Members: true}}
	h.SetNamespaces(n)
	return h, exchange
}

// A crowd that comes at once is one report, of its count.
func TestCrowdIsOneReport(t *testing.T) {
	h, exchange := newNodeHub("b")
	c, silent := acquire(t, h, "chat"), acquire(t, h, "silent:1")
	for i := range uint64(5000) {
		c.Enter(i, nil, nil)
		silent.Enter(i, nil, nil)
	}
	if r, wanted := c.Report(true); !wanted || r.Count != 5000 || r.Whole || r.Changes != nil || r.Base != 0 || exchange.n != 1 {
		t.Errorf("%d joins: %d reports due, and %+v", 5000, exchange.n, r)
	}
	if _, open := silent.Told(); open {
		t.Error("a namespace without notices")
	}
	for i := range uint64(5000) {
		c.Leave(i, nil)
	}
	if r, _ := c.Report(false); !r.Closed || r.Count != 0 || r.Whole || exchange.n != 2 {
		t.Errorf("5,000 leaves: %d reports due, and %+v", exchange.n, r)
	}
	c.Enter(1, nil, nil)
	want := Change{true, dialect.Present{Client: "b-101"}}
	if r, wanted := c.Report(false); wanted || r.Base != 0 || !r.Whole || len(r.Changes) != 1 || fmt.Sprint(r.Changes[0]) != fmt.Sprint(want) {
		t.Errorf("the first behind them: %+v, wanted %v", r, wanted)
	}
}

func TestCountsOfOtherNodes(t *testing.T) {
	h, _ := newNodeHub("a")
	c := acquire(t, h, "chat")
	count := func(want int) {
		t.Helper()
		if got, open := c.Told(); got != want || open != (want > 0) {
			t.Errorf("%d members, want %d", got, want)
		}
	}
	join := func(client string) []Change { return []Change{{true, dialect.Present{Client: client}}} }
	c.Heard("b", &Report{Version: 1, Count: 1, Whole: true}, 1)
	count(0) // nobody is here who could want to know
	c.Enter(1, nil, nil)
	c.Heard("b", &Report{Version: 1, Count: 1, Whole: true, Changes: join("b-1")}, 1)
	c.Heard("c", &Report{Base: 7, Version: 9, Count: 600}, 1)
	count(602)
	c.Heard("b", &Report{Base: 1, Version: 2, Count: 2, Whole: true, Changes: join("b-2")}, 1)
	c.Heard("b", &Report{Base: 1, Version: 2, Count: 2, Whole: true, Changes: join("b-2")}, 1) // once more
	c.Heard("b", &Report{Version: 1, Count: 1, Whole: true}, 1)                                // late
	count(603)
	c.Expire("c", 1)
	c.Heard("b", &Report{Base: 2, Version: 2, Count: 2, Whole: true}, 3)
	count(603)
	tallies := make(map[string]Tally)
	c.EachNode(func(node string, _, theirs Tally) { tallies[node] = theirs })
	if !maps.Equal(tallies, map[string]Tally{"b": {2, 2}, "c": {9, 600}}) {
		t.Error(tallies)
	}
	c.Expire("c", 3)
	c.Expire("b", 3)
	count(3)
	c.Heard("b", &Report{Base: 2, Version: 5, Closed: true}, 3)
	c.Forget("b")
	count(1)
	c.Heard("b", &Report{Version: 8, Count: 4}, 3)
	c.Forget("b")
	count(1)
	c.Leave(1, nil)
	c.Report(false)
	count(0)
}

// copyOf is the members that a page lists.
func copyOf(m dialect.Members) map[string]bool {
	set := make(map[string]bool)
	for _, p := range m.Clients {
		set[p.Client] = true
	}
	return set
}

// What another node has answered, brought up to what was heard of it since, is what it had at that version, in whatever order and with whatever loss
// reports and answers come; or it says that it is incomplete, and only where something was lost.
func TestMergeAgainstHistory(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 4))
	a, _ := newNodeHub("a")
	b, _ := newNodeHub("b")
	here, there := acquire(t, a, "chat"), acquire(t, b, "chat")
	here.Enter(1, nil, nil)
	there.Enter(99, nil, nil)
	first := b.Answer("chat", "", MaxListed)
	truth := map[uint64]map[string]bool{first.Version: copyOf(first.Members)} // the members there, by version
	var heard uint64
	incomplete := 0
	for step := range 3000 {
		lossy := step > 2000
		a.Await("chat")
		var answers []Answer
		for range r.IntN(8) {
			for range r.IntN(6) {
				if client := uint64(r.IntN(40)); r.IntN(2) == 0 {
					there.Enter(client, nil, nil)
				} else {
					there.Leave(client, nil)
				}
				all := b.Answer("chat", "", MaxListed)
				truth[all.Version] = copyOf(all.Members)
			}
			if r.IntN(3) == 0 || answers == nil {
				answer := b.Answer("chat", "", MaxListed)
				answer.Node = "b"
				answers = []Answer{answer}
			}
			if report, _ := there.Report(true); !lossy || r.IntN(4) > 0 {
				here.Heard("b", &report, 1)
				heard = report.Version
			}
		}
		if answers == nil {
			continue
		}
		merged := a.Merge("chat", "", MaxListed, answers)
		want := maps.Clone(truth[max(heard, answers[0].Version)])
		want["a-101"] = true
		switch got := copyOf(merged); {
		case merged.Incomplete && lossy:
			incomplete++
		case merged.Incomplete || !maps.Equal(got, want) || merged.Count != len(want):
			t.Fatalf("seed %d, step %d: %+v\nwant %v", seed, step, merged, slices.Sorted(maps.Keys(want)))
		}
	}
	t.Logf("%d of 1,000 answers were incomplete where reports were lost", incomplete)
}

// Pages through several nodes have each member once.
func TestMergedPages(t *testing.T) {
	hubs := make([]*Hub, 3)
	var want []string
	for i := range hubs {
		hubs[i], _ = newNodeHub(string(rune('c' - i)))
		c := acquire(t, hubs[i], "chat")
		for n := range uint64(10) {
			c.Enter(n, nil, nil)
			want = append(want, hubs[i].config.Client(n))
		}
	}
	slices.Sort(want)
	for _, limit := range []int{1, 3, 7, 10, 29, 30, 100} {
		var got []string
		for more, after := true, ""; more; {
			var answers []Answer
			for i, h := range hubs[1:] {
				answer := h.Answer("chat", after, limit)
				if answer.Node = fmt.Sprint(i); limit == 29 && len(answer.Clients) > 2 { // as if there were no room for more
					answer.Clients, answer.More = answer.Clients[:2], true
				}
				answers = append(answers, answer)
			}
			m := hubs[0].Merge("chat", after, limit, answers)
			if m.Count != 30 || !m.Listed || len(m.Clients) > limit {
				t.Fatalf("%+v", m)
			}
			for _, p := range m.Clients {
				got = append(got, p.Client)
			}
			if more = m.More; more {
				after = got[len(got)-1]
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("limit %d: %v", limit, got)
		}
	}
	many := hubs[1].Answer("chat", "", 10)
	many.Count = MaxListed
	if m := hubs[0].Merge("chat", "", 10, []Answer{many}); m.Count != MaxListed+10 || m.Listed || m.Clients != nil || m.More {
		t.Errorf("too many to be listed: %+v", m)
	}
	missing := Answer{Node: "x", Members: dialect.Members{Listed: true, Incomplete: true}}
	if m := hubs[0].Merge("none", "", 10, []Answer{missing}); m.Count != 0 || !m.Listed || !m.Incomplete {
		t.Errorf("a node that has not answered: %+v", m)
	}
}

// What is kept behind a question is bounded, and let go.
func TestRecentIsBounded(t *testing.T) {
	now := time.Unix(1, 0)
	var kept recent
	report := &Report{Changes: make([]Change, maxChanges)}
	kept.add("b", report, now)
	if kept.reports != nil {
		t.Error("nobody has asked")
	}
	kept.until = now.Add(recentLife)
	for i := range 100 {
		if kept.add("b", report, now); len(kept.reports) < min(i+1, 2) || kept.changes > maxRecent || kept.changes != len(kept.reports)*(maxChanges+1) {
			t.Errorf("%d reports behind %d, %d changes", len(kept.reports), i+1, kept.changes)
		}
	}
	if kept.add("b", report, now.Add(recentLife+1)); kept.reports != nil {
		t.Error("nobody waits any more")
	}
}

// answerOf is a node's answer, with its name.
func answerOf(h *Hub, node, after string, limit int) Answer {
	a := h.Answer("chat", after, limit)
	a.Node = node
	return a
}

// The last member of another node leaves, or the node itself does, while an answer of its waits for those of others.
func TestMergeBehindTheEndOfANode(t *testing.T) {
	for how, end := range map[string]func(here, there *Channel){
		"the last member leaves": func(here, there *Channel) {
			there.Leave(1, nil)
			report, _ := there.Report(true)
			here.Heard("b", &report, 1)
		},
		"the node leaves":                 func(here, _ *Channel) { here.Forget("b") },
		"it was lost that they have left": func(here, _ *Channel) { here.Expire("b", 2) },
	} {
		a, _ := newNodeHub("a")
		b, _ := newNodeHub("b")
		here, there := acquire(t, a, "chat"), acquire(t, b, "chat")
		here.Enter(1, nil, nil)
		there.Enter(1, nil, nil)
		report, _ := there.Report(true)
		here.Heard("b", &report, 1)
		a.Await("chat")
		answer := answerOf(b, "b", "", 10)
		end(here, there)
		if m := a.Merge("chat", "", 10, []Answer{answer}); m.Count != 1 || len(m.Clients) != 1 || m.Incomplete {
			t.Errorf("%s: %+v", how, m)
		}
		there.Enter(2, nil, nil) // of whom nothing has been heard
		if m := a.Merge("chat", "", 10, []Answer{answerOf(b, "b", "", 10)}); m.Count < 2 || len(m.Clients) < 2 {
			t.Errorf("%s, and another comes: %+v", how, m)
		}
	}
}

// All whom a node has on a page leave before the page is made. Nobody behind them may be passed over.
func TestMergedPageOfThoseWhoLeft(t *testing.T) {
	hubs, channels := make([]*Hub, 3), make([]*Channel, 3)
	for i := range hubs {
		hubs[i], _ = newNodeHub(string(rune('a' + i)))
		channels[i] = acquire(t, hubs[i], "chat")
		channels[i].Enter(1, nil, nil)
	}
	channels[1].Enter(2, nil, nil)
	first, _ := channels[1].Report(true)
	channels[0].Heard("b", &first, 1)
	hubs[0].Await("chat")
	answers := []Answer{answerOf(hubs[1], "b", "a-101", 1), answerOf(hubs[2], "c", "a-101", 1)}
	channels[1].Leave(1, nil)
	left, _ := channels[1].Report(true)
	channels[0].Heard("b", &left, 1)
	m := hubs[0].Merge("chat", "a-101", 1, answers)
	if len(m.Clients) > 0 && m.Clients[0].Client > "b-102" {
		t.Errorf("b-102 is passed over: %+v", m)
	}
}
