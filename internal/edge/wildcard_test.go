package edge

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/dialect/native"
)

func TestWildcard(t *testing.T) {
	s := startServer(t, Config{})
	a, b := greet(t, s), greet(t, s)
	a.say(`{"type":"subscribe","id":1,"channel":"chat:*"}`)
	a.want(`{"type":"subscribed","id":1,"channel":"chat:*"}`)
	b.say(`{"type":"subscribe","id":1,"channel":"chat:room:*","recover":{"epoch":"x","offset":1}}`)
	b.want(`{"type":"subscribed","id":1,"channel":"chat:room:*","recovered":false}`)

	// The first publication of a channel that nobody has seen before.
	if _, answer := post(t, s, "/api/publish", `{"channel":"chat:1","data":1}`); !matches(`*"offset":1,*"matched":1}`, answer) {
		t.Error(answer)
	}
	a.want(`{"type":"message","channel":"chat:1","data":1,"offset":1}`)
	post(t, s, "/api/publish", `{"channel":"chat:room:1","data":2}`)
	a.want(`{"type":"message","channel":"chat:room:1","data":2,"offset":1}`)
	b.want(`{"type":"message","channel":"chat:room:1","data":2,"offset":1}`)
	for _, name := range []string{"chat", "chatter:1", "news", "chat:room#ann", "user#ann"} {
		post(t, s, "/api/publish", `{"channel":"`+name+`","data":3}`)
	}
	a.idle()

	// One copy, whichever way it comes.
	a.subscribe("chat:1")
	for i := 2; i <= 5; i++ {
		post(t, s, "/api/publish", fmt.Sprintf(`{"channel":"chat:1","data":%d}`, i))
	}
	a.say(`{"type":"unsubscribe","channel":"chat:1"}`)
	for i := 2; i <= 5; i++ {
		a.want(fmt.Sprintf(`{"type":"message","channel":"chat:1","data":%d,"offset":%d}`, i, i))
	}
	a.want(`{"type":"unsubscribed","channel":"chat:1"}`)
	a.say(`{"type":"publish","channel":"chat:1","data":6,"exclude_self":true}`)
	a.want(`{"type":"published","channel":"chat:1","offset":6}`)
	a.idle()
	a.subscribe("chat:1")
	a.say(`{"type":"unsubscribe","id":9,"channel":"chat:*"}`)
	a.want(`{"type":"unsubscribed","id":9,"channel":"chat:*"}`)
	post(t, s, "/api/publish", `{"channel":"chat:1","data":7}`)
	a.want(`{"type":"message","channel":"chat:1","data":7,"offset":7}`)
	post(t, s, "/api/publish", `{"channel":"chat:2","data":8}`)
	a.idle()
}

func TestWildcardByTheServer(t *testing.T) {
	s := startServer(t, Config{})
	a := greet(t, s)
	post(t, s, "/api/subscribe", `{"client":"`+a.id+`","channel":"chat:*"}`)
	a.want(`{"type":"subscribed","channel":"chat:*"}`)
	post(t, s, "/api/publish", `{"channel":"chat:1","data":1}`)
	a.want(`{"type":"message","channel":"chat:1","data":1,"offset":1}`)
	post(t, s, "/api/unsubscribe", `{"client":"`+a.id+`","channel":"chat:*"}`)
	a.want(`{"type":"unsubscribed","channel":"chat:*","reason":"server"}`)
	post(t, s, "/api/publish", `{"channel":"chat:1","data":2}`)
	a.idle()
}

func TestWildcardsAreBounded(t *testing.T) {
	s := startServer(t, Config{ChannelsPerConn: 600})
	a, b := greet(t, s), greet(t, s)
	a.say(`{"type":"subscribe","channel":"chat:*"}`)
	a.want(`{"type":"subscribed",*`)
	for _, pattern := range []string{"chat:*", "chat:room:*"} {
		a.say(`{"type":"subscribe","id":1,"channel":"` + pattern + `"}`)
		a.want(`{"type":"error","id":1,"channel":"` + pattern + `","code":"already_subscribed",*`)
	}
	b.say(`{"type":"subscribe","channel":"chat:room:*"}`)
	b.want(`{"type":"subscribed",*`)
	b.say(`{"type":"subscribe","id":1,"channel":"chat:*"}`)
	b.want(`{"type":"error","id":1,"channel":"chat:*","code":"already_subscribed",*`)
	for _, text := range []string{
		`{"type":"subscribe","channel":"*"}`, `{"type":"subscribe","channel":"chat*"}`, `{"type":"publish","channel":"chat:*","data":1}`,
		`{"type":"presence","channel":"chat:*"}`,
	} {
		c := greet(t, s)
		c.say(text)
		c.want(`{"type":"error","code":"bad_channel",*`)
	}
	if raw := dialRaw(t, s, handshake(s, "/ws/raw?channel=chat:*", "")); raw.status() != "400" {
		t.Error(raw.head)
	}
	if status, _ := post(t, s, "/api/publish", `{"channel":"chat:*","data":1}`); status != http.StatusBadRequest {
		t.Error(status)
	}

	const room = 1000 - 2
	for i := range room + 1 {
		one := a
		if i >= 500 {
			one = b
		}
		one.say(fmt.Sprintf(`{"type":"subscribe","channel":"x%d:*"}`, i))
		if text := one.hear(); strings.HasPrefix(text, `{"type":"subscribed",`) != (i < room) {
			t.Fatalf("wildcard %d: %s", i, text)
		}
	}
	a.conn.Close()
	eventually(t, "the end of a client", func() bool { return s.clients.conn(a.id) == nil })
	eventually(t, "a new wildcard", func() bool {
		b.say(`{"type":"subscribe","channel":"y:*"}`)
		return strings.HasPrefix(b.hear(), `{"type":"subscribed",`)
	})
}

// Whoever does not keep up with a wildcard is closed: there is no gap that could be told of.
func TestSlowWildcard(t *testing.T) {
	namespaces := channel.Open()
	namespaces.Default.Slow = channel.DropOldest
	s := startServer(t, Config{OutboundMaxBytes: 50_000, OutboundMaxAge: patience, Namespaces: namespaces})
	c := greet(t, s)
	c.say(`{"type":"subscribe","channel":"chat:*"}`)
	c.want(`{"type":"subscribed","channel":"chat:*"}`)
	flood(t, s, "chat:1", func() bool { return s.reactor.Stats().Drops["slow"] > 0 })
	for offset := 1; ; offset++ {
		op, text := c.next()
		if op == frame.OpClose {
			if code, _, _ := frame.ParseClose([]byte(text)); code != native.CloseSlow {
				t.Errorf("closed with %d", code)
			}
			return
		}
		if !strings.HasSuffix(text, fmt.Sprintf(`,"offset":%d}`, offset)) {
			t.Fatalf("at %d came %.40s…%.40s", offset, text, text[max(0, len(text)-40):])
		}
	}
}
