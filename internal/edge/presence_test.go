package edge

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/hub"
)

// withMembers are namespaces in which chat: keeps members and tells of them, and team: keeps them silently.
func withMembers() *channel.Namespaces {
	n := channel.Open()
	chat, team, quiet := n.Default, n.Default, n.Default
	chat.Members, chat.JoinLeave = true, true
	team.Members = true
	quiet.Presence = channel.Authenticated
	n.ByName = map[string]*channel.Options{"chat": &chat, "team": &team, "quiet": &quiet, "closed": {}}
	return n
}

func TestPresence(t *testing.T) {
	s := startServer(t, Config{Namespaces: withMembers()})
	a, b, r := greet(t, s), greet(t, s), dial(t, s, "/ws/raw?channel=team:1", "")
	a.say(`{"type":"presence","id":1,"channel":"team:none"}`)
	a.want(`{"type":"presence","id":1,"channel":"team:none","count":0,"clients":[]}`)

	a.subscribe("team:1")
	b.subscribe("team:1")
	ids := []string{a.id, b.id}
	post(t, s, "/api/publish", `{"channel":"team:1","data":1}`) // who has got it has been entered
	if _, text := r.next(); text != "1" {
		t.Fatal(text)
	}
	a.want(`*"data":1*`)
	a.say(`{"type":"presence","id":2,"channel":"team:1"}`)
	answer := a.hear()
	if !strings.HasPrefix(answer, `{"type":"presence","id":2,"channel":"team:1","count":3,"clients":[{"client":"`+s.node) {
		t.Fatal(answer)
	}
	for _, id := range ids {
		if !strings.Contains(answer, `{"client":"`+id+`"}`) {
			t.Errorf("%s is not in %s", id, answer)
		}
	}

	b.want(`*"data":1*`)
	b.say(`{"type":"unsubscribe","channel":"team:1"}`)
	b.want(`{"type":"unsubscribed","channel":"team:1"}`)
	b.say(`{"type":"presence","channel":"team:1"}`) // who may, need not be subscribed
	b.want(`{"type":"presence","channel":"team:1","count":2,"clients":[*]}`)
	b.say(`{"type":"presence","id":3,"channel":"quiet:1"}`)
	b.want(`{"type":"error","id":3,"channel":"quiet:1","code":"permission_denied",*}`)
	b.subscribe("news")
	b.say(`{"type":"presence","id":4,"channel":"news"}`) // which keeps no members
	b.want(`{"type":"presence","id":4,"channel":"news","count":1}`)

	r.conn.Close()
	eventually(t, "the one that is left", func() bool { return s.hub.Members("team:1", "", 10).Count == 1 })
	if _, answer := post(t, s, "/api/presence", `{"channel":"team:1"}`); answer != `{"channel":"team:1","count":1,"clients":[{"client":"`+a.id+`"}]}` {
		t.Error(answer)
	}
}

func TestPresenceInPages(t *testing.T) {
	s := startServer(t, Config{Namespaces: withMembers()})
	var ids, got []string
	for range 5 {
		c := greet(t, s)
		c.subscribe("team:1")
		ids = append(ids, c.id)
	}
	slices.Sort(ids)
	for after, pages := "", 0; ; pages++ {
		m := s.hub.Members("team:1", after, 2)
		for _, p := range m.Clients {
			got = append(got, p.Client)
		}
		_, answer := post(t, s, "/api/presence", fmt.Sprintf(`{"channel":"team:1","limit":2,"after":%q}`, after))
		if m.More != strings.HasSuffix(answer, fmt.Sprintf(`],"next":%q}`, m.Clients[len(m.Clients)-1].Client)) {
			t.Error(answer)
		}
		if !m.More {
			break
		}
		after = m.Clients[len(m.Clients)-1].Client
	}
	if !slices.Equal(got, ids) {
		t.Errorf("got %v, want %v", got, ids)
	}
}

func TestJoinAndLeave(t *testing.T) {
	s := startServer(t, Config{Namespaces: withMembers()})
	a, r := greet(t, s), dial(t, s, "/ws/raw?channel=chat:1", "")
	eventually(t, "the raw client", func() bool { return s.hub.Members("chat:1", "", 10).Count == 1 })
	a.subscribe("chat:1")
	a.idle() // nothing of its own, nor of who was there before
	b := greet(t, s)
	b.subscribe("chat:1")
	a.want(`{"type":"join","channel":"chat:1","client":"` + b.id + `","count":3}`)
	b.say(`{"type":"subscribe","channel":"chat:1"}`)
	b.want(`*"already_subscribed"*`)
	b.say(`{"type":"unsubscribe","channel":"chat:1"}`)
	b.want(`{"type":"unsubscribed","channel":"chat:1"}`)
	a.want(`{"type":"leave","channel":"chat:1","client":"` + b.id + `","count":2}`)
	b.idle()
	b.subscribe("chat:1")
	a.want(`{"type":"join","channel":"chat:1","client":"` + b.id + `","count":3}`)
	b.conn.Close()
	a.want(`{"type":"leave","channel":"chat:1","client":"` + b.id + `","count":2}`)
	r.conn.Close()
	a.want(`{"type":"leave","channel":"chat:1","client":"*","count":1}`)

	r = dial(t, s, "/ws/raw?channel=chat:1", "")
	a.want(`{"type":"join","channel":"chat:1","client":"*","count":2}`)
	greet(t, s).subscribe("chat:1")
	a.want(`{"type":"join","channel":"chat:1","client":"*","count":3}`)
	post(t, s, "/api/publish", `{"channel":"chat:1","data":7}`)
	if _, text := r.next(); text != "7" {
		t.Errorf("a raw client got %s", text)
	}
}

// Above MaxListed members there are only counts, one at a time.
func TestCrowd(t *testing.T) {
	timers := make(chan func(), 1)
	s := startServer(t, Config{Namespaces: withMembers(), afterFunc: func(_ time.Duration, f func()) { timers <- f }})
	for range hub.MaxListed - 1 {
		dial(t, s, "/ws/raw?channel=chat:1", "")
	}
	members := func(n int) {
		t.Helper()
		eventually(t, fmt.Sprint(n, " members"), func() bool { return s.hub.Members("chat:1", "", 1).Count == n })
	}
	members(hub.MaxListed - 1)
	c := greet(t, s)
	c.subscribe("chat:1") // the last that is listed
	c.say(`{"type":"presence","id":1,"channel":"chat:1","limit":1}`)
	c.want(`{"type":"presence","id":1,"channel":"chat:1","count":500,"clients":[{*}],"next":"*"}`)

	var more []*client
	for range 4 {
		more = append(more, dial(t, s, "/ws/raw?channel=chat:1", ""))
	}
	members(hub.MaxListed + 4)
	c.want(`{"type":"presence","channel":"chat:1","count":501}`)
	c.idle()
	c.say(`{"type":"presence","id":2,"channel":"chat:1"}`)
	c.want(`{"type":"presence","id":2,"channel":"chat:1","count":504}`)
	(<-timers)()
	c.want(`{"type":"presence","channel":"chat:1","count":504}`)
	(<-timers)() // nothing has changed
	c.idle()
	if len(timers) > 0 {
		t.Error("a timer runs for nothing")
	}

	more[0].conn.Close()
	members(hub.MaxListed + 3)
	c.want(`{"type":"presence","channel":"chat:1","count":503}`)
	for i, r := range more[1:] {
		r.conn.Close()
		members(hub.MaxListed + 2 - i)
	}
	c.want(`{"type":"leave","channel":"chat:1","client":"*","count":500}`)
	(<-timers)() // the departures of three have been told of by no count, and one by name
	c.want(`{"type":"presence","channel":"chat:1","count":500}`)
	c.idle()
	(<-timers)()
}

func TestExcludeSelf(t *testing.T) {
	s := startServer(t, Config{})
	a, b := greet(t, s), greet(t, s)
	a.subscribe("news")
	b.subscribe("news")
	a.say(`{"type":"publish","id":1,"channel":"news","data":1,"exclude_self":true}`)
	a.want(`{"type":"published","id":1,"channel":"news","offset":1}`)
	b.want(`{"type":"message","channel":"news","data":1,"offset":1,"client":"` + a.id + `"}`)
	b.say(`{"type":"publish","id":2,"channel":"news","data":2,"exclude_self":false}`)
	a.want(`{"type":"message","channel":"news","data":2,"offset":2,"client":"` + b.id + `"}`)
}

// A join that the node had no room to tell of is told of by its count, later.
func TestNoticeBehindABacklog(t *testing.T) {
	timers := make(chan func(), 1)
	s := startServer(t, Config{
		Namespaces: withMembers(), OutboundMaxBytes: 64 << 20, OutboundMaxAge: time.Hour, NodeMaxBytes: 200_000,
		afterFunc: func(_ time.Duration, f func()) { timers <- f },
	})
	a, b, slow := greet(t, s), greet(t, s), greet(t, s)
	a.subscribe("chat:1")
	slow.subscribe("news")
	if _, status, _ := flood(t, s, "news", func() bool { return false }); status != 429 {
		t.Fatal(status)
	}
	b.subscribe("chat:1")
	a.idle()
	slow.conn.Close()
	eventually(t, "room for publications", func() bool {
		status, _ := post(t, s, "/api/publish", `{"channel":"x","data":1}`)
		return status == 200 && s.reactor.Stats().QueuedBytes == 0
	})
	(<-timers)()
	a.want(`{"type":"presence","channel":"chat:1","count":2}`)
	(<-timers)() // nothing has changed since
	a.idle()
}
