package edge

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/channel"
)

// wantKinds sends commands and wants so many answers of each kind, errors by their codes; what it hears of others is left out.
func (c *client) wantKinds(want string, commands ...string) {
	c.t.Helper()
	c.say(append(commands, `{"type":"ping","id":"end"}`)...)
	heard := map[string]int{}
	for text := c.hear(); text != `{"type":"pong","id":"end"}`; text = c.hear() {
		kind, _, _ := strings.Cut(strings.TrimPrefix(text, `{"type":"`), `"`)
		if kind == "error" {
			_, kind, _ = strings.Cut(text, `"code":"`)
			kind, _, _ = strings.Cut(kind, `"`)
		}
		heard[kind]++
	}
	delete(heard, "join")
	delete(heard, "leave")
	if got := fmt.Sprint(heard); got != "map["+want+"]" {
		c.t.Fatalf("%s: heard %s, want %s", commands, got, want)
	}
}

// Clients that subscribe and leave without end, to the same channels and to ever new ones, twice and without being there, have a place for each
// channel that they are in, and leave nothing behind.
func TestSubscriptionChurnLeavesNothing(t *testing.T) {
	namespaces := channel.Open()
	namespaces.Default.Members, namespaces.Default.JoinLeave = true, true
	s := startServer(t, Config{ChannelsPerConn: 3, ChannelIdle: time.Nanosecond, Namespaces: namespaces})
	a, b := greet(t, s), greet(t, s)
	for i := range 2000 {
		for _, c := range []*client{a, b} {
			all := fmt.Sprintf(`"channels":["same%d","new%d%s","chat:*"]}`, i%7, i, c.id)
			one := fmt.Sprintf(`"channel":"same%d"}`, i%7)
			c.wantKinds(`already_subscribed:1 subscribed:3`, `{"type":"subscribe",`+all, `{"type":"subscribe",`+one)
			if i%40 == 0 { // more often would close the client
				c.wantKinds(`limit:1`, `{"type":"subscribe","channel":"fourth"}`)
			}
			c.wantKinds(`not_subscribed:1 unsubscribed:3`, `{"type":"unsubscribe",`+all, `{"type":"unsubscribe",`+one)
		}
	}
	eventually(t, "nothing is left", func() bool {
		s.hub.Sweep()
		return s.hub.Channels() == 0
	})
	if n := s.limiter.refusals.ByReason()["channels"]; n != 2*2000/40 {
		t.Errorf("%d refusals of channels are counted", n)
	}
}
