package edge

import (
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/internal/broker/embedded"
	"github.com/wsedge/wsedge/internal/broker/jetstream"
)

// A wildcard has what is published at any node, once and in each channel's order, however the client's channels come and go beside it.
func TestWildcardOfAnotherNode(t *testing.T) {
	es := engines(t, 2)
	a, b := startServer(t, Config{Broker: es[0]}), startServer(t, Config{Broker: es[1]})
	c := greet(t, a)
	c.say(`{"type":"subscribe","id":1,"channel":"chat:*"}`, `{"type":"ping","id":2}`, `{"type":"subscribe","id":3,"channel":"chat:room:*"}`)
	c.want(`{"type":"subscribed","id":1,"channel":"chat:*"}`)
	c.want(`{"type":"pong","id":2}`)
	c.want(`{"type":"error","id":3,"channel":"chat:room:*","code":"already_subscribed",*}`)
	post(t, b, "/api/publish", `{"channel":"chat:1","data":1}`)
	c.want(`{"type":"message","channel":"chat:1","data":1,*}`)
	eventually(t, "a publisher is told of the wildcard", func() bool { // it is not waited for longer than a moment
		_, answer := post(t, a, "/api/publish", `{"channel":"chat:room:2","data":2}`)
		c.want(`{"type":"message","channel":"chat:room:2","data":2,*}`)
		return matches(`*"matched":1}`, answer)
	})
	for _, name := range []string{"chat", "chatter:1", "news", "chat:room#ann", "user#ann"} {
		post(t, b, "/api/publish", `{"channel":"`+name+`","data":3}`)
	}
	post(t, b, "/api/publish", `{"channel":"chat:1","data":4}`)
	c.want(`{"type":"message","channel":"chat:1","data":4,*}`)

	random, name := rand.New(rand.NewPCG(1, 2)), func(i int) string { return fmt.Sprint("chat:", i) }
	has, next := map[int]bool{}, 0
	for range 300 {
		switch i := random.IntN(5); {
		case random.IntN(4) > 0:
			next++
			post(t, []*Server{a, b}[random.IntN(2)], "/api/publish", fmt.Sprintf(`{"channel":%q,"data":%d}`, name(i), 100+next))
			c.want(fmt.Sprintf(`{"type":"message","channel":%q,"data":%d,*}`, name(i), 100+next))
		case has[i]:
			c.say(fmt.Sprintf(`{"type":"unsubscribe","channel":%q}`, name(i)))
			c.want(`{"type":"unsubscribed",*}`)
			has[i] = false
		default:
			c.subscribe(name(i))
			has[i] = true
		}
	}
	if got := es[1].RemoteStats(); got.Received != 0 || got.Wildcards != 0 {
		t.Errorf("the node without the wildcard: %+v", got)
	}
	c.say(`{"type":"unsubscribe","id":9,"channel":"chat:*"}`)
	c.want(`{"type":"unsubscribed","id":9,"channel":"chat:*"}`)
	eventually(t, "the engine has let it go", func() bool { return es[0].RemoteStats().Wildcards == 0 })
}

// Channels that the engine does not follow come to each wildcard once, too, but not to who is left out.
func TestWildcardsBeyondWhatIsFollowed(t *testing.T) {
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	n, err := embedded.Start(embedded.Config{Dir: t.TempDir(), Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	e, err := jetstream.Connect(jetstream.Config{Options: n.Options(), Logger: quiet, MaxTracked: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	s := startServer(t, Config{Broker: e})
	all, rooms := greet(t, s), greet(t, s)
	all.say(`{"type":"subscribe","channel":"chat:*"}`)
	all.want(`{"type":"subscribed","channel":"chat:*"}`)
	rooms.say(`{"type":"subscribe","channel":"chat:room:*"}`)
	rooms.want(`{"type":"subscribed","channel":"chat:room:*"}`)
	for i := range 10 {
		post(t, s, "/api/publish", fmt.Sprintf(`{"channel":"chat:room:%d","data":%d}`, i, i))
		for _, c := range []*client{all, rooms} {
			c.want(fmt.Sprintf(`{"type":"message","channel":"chat:room:%d","data":%d,*}`, i, i))
		}
	}
	rooms.say(`{"type":"publish","channel":"chat:room:9","data":10,"exclude_self":true}`)
	rooms.want(`{"type":"published","channel":"chat:room:9","offset":*}`)
	all.want(`{"type":"message","channel":"chat:room:9","data":10,*}`)
	rooms.idle()
	if stats := e.RemoteStats(); stats.Tracked != 1 || stats.Untracked != 10 || stats.Wildcards != 2 {
		t.Errorf("%+v", stats)
	}
}

// Who leaves, or goes, before the engine has answered is not heard for.
func TestWildcardThatIsLeftAtOnce(t *testing.T) {
	es := engines(t, 1)
	s := startServer(t, Config{Broker: es[0]})
	c, gone := greet(t, s), greet(t, s)
	c.say(`{"type":"subscribe","id":1,"channel":"chat:*"}`, `{"type":"unsubscribe","id":2,"channel":"chat:*"}`, `{"type":"subscribe","id":3,"channel":"chat:*"}`)
	for range 2 {
		if text := c.hear(); !strings.Contains(text, `"id":1,`) && !strings.Contains(text, `"id":2,`) {
			t.Fatal(text)
		}
	}
	c.want(`{"type":"subscribed","id":3,"channel":"chat:*"}`)
	gone.say(`{"type":"subscribe","id":1,"channel":"chat:gone:*"}`) // in a stream that there is: a server that is stopped while it makes one leaves files open
	gone.conn.Close()
	eventually(t, "one is left", func() bool { return es[0].RemoteStats().Wildcards == 1 })
	es[0].Close()
	c.say(`{"type":"subscribe","id":4,"channel":"other:*"}`)
	c.want(`{"type":"error","id":4,"channel":"other:*","code":"unavailable","message":"the engine *}`)
}
