package hub

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/dialect"
	"github.com/wsedge/wsedge/reactor"
)

// newMembersHub makes a hub whose channels keep members but those of none:.
func newMembersHub(config Config) *Hub {
	config.Client = func(number uint64) string { return "n-" + strconv.FormatUint(number, 36) }
	h := newHub(config)
	n := channel.Open()
	n.Default.Members = true
	n.ByName = map[string]*channel.Options{"none": {}}
	h.SetNamespaces(n)
	return h
}

func acquire(t testing.TB, h *Hub, name string) *Channel {
	t.Helper()
	c, err := h.Acquire(name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestMembersAreKeptWhereWanted(t *testing.T) {
	h := newMembersHub(Config{})
	kept, other := acquire(t, h, "kept"), acquire(t, h, "none:1")
	defer kept.Release()
	defer other.Release()
	who := &Member{User: "ann", Info: []byte("1")}
	for _, c := range []*Channel{kept, other} {
		c.Enter(1, who, nil)
		c.Enter(2, &Member{User: "bob", Info: []byte(strings.Repeat("1", MaxInfoBytes+1))}, nil)
		c.Enter(2, who, nil) // is there already
		c.Enter(3, nil, nil)
	}
	if other.members.Load() != nil {
		t.Error("members are kept where nobody wants them")
	}
	if m := other.Present("", 10); m.Count != 0 || m.Listed || m.Clients != nil {
		t.Errorf("%+v", m)
	}
	want := []dialect.Present{{Client: "n-1", User: "ann", Info: []byte("1")}, {Client: "n-2", User: "bob"}, {Client: "n-3"}}
	if m := kept.Present("", 10); m.Count != 3 || !m.Listed || fmt.Sprint(m.Clients) != fmt.Sprint(want) {
		t.Errorf("%+v", m)
	}
	kept.Leave(2, nil)
	kept.Leave(2, nil)
	other.Leave(2, nil)
	if m := kept.Present("n-2", 10); m.Count != 2 || len(m.Clients) != 1 || m.Clients[0].Client != "n-3" {
		t.Errorf("behind one who has left: %+v", m)
	}
	if m := h.Members("nobody", "", 10); m.Count != 0 || !m.Listed || h.Channels() != 2 {
		t.Errorf("a channel that is not open: %+v, and %d channels", m, h.Channels())
	}
}

// What a slow subscriber did not get of the notices is replaced by the count.
func TestCountInPlaceOfNotices(t *testing.T) {
	encode := func(dst []byte, n *dialect.Notice) []byte {
		return fmt.Append(dst, n.Channel, " ", n.Count, " ", n.Who == nil)
	}
	h := newMembersHub(Config{Notices: []dialect.EncodeNotice{encode, nil}})
	c := acquire(t, h, "news")
	defer c.Release()
	c.Enter(1, nil, nil)
	c.Enter(2, nil, nil)
	all := c.roll()
	for f, want := range []string{"> news 2 true", "> ", "> "} {
		if got := string(all.AppendGap([]byte("> "), reactor.Form(f), 0, 1)); got != want {
			t.Errorf("form %d: %q", f, got)
		}
	}
}

// Joins, leaves and sweeps in any order, against sets.
func TestMembersAgainstAModel(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	now := time.Unix(1_000_000, 0)
	h := newMembersHub(Config{Idle: time.Minute, Now: func() time.Time { return now }})
	const clients, names = 700, 4
	open := make(map[string]*Channel) // while it has a member, as sessions keep them
	model := make(map[string]map[uint64]bool)
	for step := range 60_000 {
		name, client := fmt.Sprint("c", r.IntN(names)), uint64(r.IntN(clients))
		switch op := r.IntN(100); {
		case op < 55:
			if open[name] == nil {
				open[name], model[name] = acquire(t, h, name), make(map[uint64]bool)
			}
			open[name].Enter(client, nil, nil)
			model[name][client] = true
		case op < 97 && open[name] != nil:
			open[name].Leave(client, nil)
			delete(model[name], client)
			if len(model[name]) == 0 {
				open[name].Release()
				delete(open, name)
				delete(model, name)
			}
		case op == 97 && open[name] != nil: // everybody goes
			for client := range model[name] {
				open[name].Leave(client, nil)
			}
			open[name].Release()
			delete(open, name)
			delete(model, name)
		case op == 98:
			now = now.Add(time.Minute)
			h.Sweep()
		case op == 99:
			checkMembers(t, h, name, model[name], 1+r.IntN(200))
		}
		if t.Failed() {
			t.Fatalf("seed %d, step %d", seed, step)
		}
	}
}

// checkMembers compares a channel's members, page by page, with the model's.
func checkMembers(t *testing.T, h *Hub, name string, model map[uint64]bool, limit int) {
	t.Helper()
	var want, got []string
	for client := range model {
		want = append(want, h.config.Client(client))
	}
	slices.Sort(want)
	for after := ""; ; after = got[len(got)-1] {
		m := h.Members(name, after, limit)
		if m.Count != len(want) || m.Listed != (len(want) <= MaxListed) || len(m.Clients) > limit {
			t.Errorf("%s: %d of %d are listed: %v; want %d", name, len(m.Clients), m.Count, m.Listed, len(want))
		}
		for _, p := range m.Clients {
			got = append(got, p.Client)
		}
		if !m.More {
			break
		}
	}
	if len(want) > MaxListed {
		want = nil
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %d, want %d", name, len(got), len(want))
	}
}

// BenchmarkMember says what a member of a channel of 20,000 takes: B/member.
func BenchmarkMember(b *testing.B) {
	const n = 20_000
	h := newMembersHub(Config{})
	var before, after runtime.MemStats
	for b.Loop() {
		c := acquire(b, h, "news")
		c.Enter(0, nil, nil)
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range uint64(n) {
			c.Enter(1+i, nil, nil)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		for i := range uint64(n + 1) {
			c.Leave(i, nil)
		}
		c.Release()
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/member")
}
