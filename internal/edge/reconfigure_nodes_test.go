package edge

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/wsedge/wsedge/internal/channel"
)

// Nodes that learn of a namespace at different moments, or never, hear each other in it all the time, and its history is kept from when the first has.
func TestNamespaceAddedByAReload(t *testing.T) {
	es := engines(t, 3)
	plain := func() *channel.Namespaces { return channel.Open() }
	added := func() *channel.Namespaces {
		n := channel.Open()
		o := n.Default
		o.HistorySize, o.Recover = 20, true
		n.ByName = map[string]*channel.Options{"chat": &o}
		return n
	}
	var servers []*Server
	var clients []*client
	for i := range 2 {
		servers = append(servers, startServer(t, Config{Broker: es[i], Namespaces: plain()}))
		clients = append(clients, greet(t, servers[i]))
		clients[i].subscribe("chat:1")
	}
	next := 0
	talk := func() {
		t.Helper()
		for _, s := range servers {
			next++
			if status, answer := post(t, s, "/api/publish", fmt.Sprintf(`{"channel":"chat:1","data":%d}`, next)); status != 200 {
				t.Fatalf("%d %s", status, answer)
			}
			for _, c := range clients {
				c.want(fmt.Sprintf(`{"type":"message","channel":"chat:1","data":%d,*}`, next))
			}
		}
	}
	talk()
	if err := servers[0].Reconfigure(Config{Namespaces: added()}); err != nil {
		t.Fatal(err)
	}
	talk()
	late := startServer(t, Config{Broker: es[2], Namespaces: added()}) // as one that was restarted
	servers = append(servers, late)
	c := greet(t, late)
	c.say(`{"type":"subscribe","channel":"chat:1"}`)
	var at struct {
		Epoch  string
		Offset uint64
	}
	if text := c.hear(); json.Unmarshal([]byte(text), &at) != nil || at.Epoch == "" {
		t.Fatal(text)
	}
	clients = append(clients, c)
	first := next + 1
	talk()
	if err := servers[1].Reconfigure(Config{Namespaces: added()}); err != nil {
		t.Fatal(err)
	}
	talk()
	back := greet(t, servers[1])
	back.say(fmt.Sprintf(`{"type":"subscribe","channel":"chat:1","recover":{"epoch":%q,"offset":%d}}`, at.Epoch, at.Offset))
	back.want(`{"type":"subscribed","channel":"chat:1","epoch":"` + at.Epoch + `",*"recovered":true}`)
	for i := first; i <= next; i++ {
		back.want(fmt.Sprintf(`{"type":"message","channel":"chat:1","data":%d,*}`, i))
	}
}
