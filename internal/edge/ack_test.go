package edge

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/webhook"
)

// ackTest is a server whose channel news keeps what users acknowledge.
type ackTest struct {
	*testing.T
	s *Server
}

// startAck starts one with so much history.
func startAck(t *testing.T, size int, change func(*Config, *channel.Options)) *ackTest {
	t.Helper()
	cfg := authConfig()
	cfg.Auth.Anonymous = true
	o := &cfg.Namespaces.Default
	*o = channel.Open().Default
	o.HistorySize, o.Ack = size, true
	if change != nil {
		change(&cfg, o)
	}
	return &ackTest{t, startServer(t, cfg)}
}

// as opens a conversation of a user.
func (a *ackTest) as(user string) *client {
	a.Helper()
	return greetWith(a.T, a.s, mint(a.T, time.Now(), map[string]any{"sub": user}))
}

// publish publishes on news, and returns the position behind that.
func (a *ackTest) publish(data ...string) (p broker.Position) {
	a.Helper()
	for _, d := range data {
		status, answer := call(a.T, a.s, "POST", "/api/publish", fmt.Sprintf(`{"channel":"news","data":%s}`, d), apiKey)
		if status != 200 {
			a.Fatalf("%d %s", status, answer)
		}
		if _, err := fmt.Sscanf(answer, `{"channel":"news","offset":%d,"epoch":%q`, &p.Offset, &p.Epoch); err != nil {
			a.Fatal(answer, err)
		}
	}
	return p
}

// returns subscribes to news, with a position unless it is nil, and wants the answer, and that what is sent again are the
// offsets from first to offset. acked is -1 for no cursor.
func (a *ackTest) returns(c *client, from *broker.Position, offset int, recovered bool, acked, first int) {
	a.Helper()
	command := `{"type":"subscribe","channel":"news"}`
	if from != nil {
		command = fmt.Sprintf(`{"type":"subscribe","channel":"news","recover":{"epoch":%q,"offset":%d}}`, from.Epoch, from.Offset)
	}
	c.say(command)
	a.wantSubscribed(c, offset, recovered, acked, first)
	c.idle()
}

// wantSubscribed wants what returns does.
func (a *ackTest) wantSubscribed(c *client, offset int, recovered bool, acked, first int) {
	a.Helper()
	tail := ""
	if acked >= 0 {
		tail = fmt.Sprintf(`,"acked":%d`, acked)
	}
	c.want(fmt.Sprintf(`{"type":"subscribed","channel":"news","epoch":"*","offset":%d,"recovered":%v%s}`, offset, recovered, tail))
	for ; first <= offset; first++ {
		c.want(fmt.Sprintf(`{"type":"message","channel":"news","data":*,"offset":%d}`, first))
	}
}

// none is a first message that does not come.
const none = 1 << 30

func (c *client) ack(offset uint64) {
	c.t.Helper()
	c.say(fmt.Sprintf(`{"type":"ack","channel":"news","offset":%d}`, offset))
	c.idle()
}

// leave ends the subscription to news.
func (c *client) leave() {
	c.t.Helper()
	c.say(`{"type":"unsubscribe","channel":"news"}`)
	c.want(`{"type":"unsubscribed","channel":"news"}`)
}

// What was not acknowledged comes again, in order, for as long as it is not; what was does not.
func TestAcknowledged(t *testing.T) {
	a := startAck(t, 10, nil)
	a.publish("1", "2")
	c := a.as("ann")
	a.returns(c, nil, 2, false, 2, none)
	a.publish("3", "4", "5")
	for offset := 3; offset <= 5; offset++ {
		c.want(fmt.Sprintf(`*"offset":%d}`, offset))
	}
	for range 2 {
		c = a.as("ann")
		a.returns(c, nil, 5, true, 2, 3)
	}
	c.ack(4)
	c.ack(3) // is less: nothing changes
	c.leave()
	a.returns(c, nil, 5, true, 4, 5)
	a.publish("6")
	c.want(`*"offset":6}`)
	c.ack(6)
	c.leave()
	a.returns(c, nil, 6, true, 6, none)
	a.returns(a.as("bob"), nil, 6, false, 6, none) // has acknowledged nothing so far
}

// All clients of a user have one cursor.
func TestDevicesOfAUser(t *testing.T) {
	a := startAck(t, 10, nil)
	phone, tablet := a.as("ann"), a.as("ann")
	a.returns(phone, nil, 0, false, 0, none)
	a.returns(tablet, nil, 0, true, 0, none)
	a.publish("1", "2", "3")
	for _, c := range []*client{phone, tablet} {
		for offset := 1; offset <= 3; offset++ {
			c.want(fmt.Sprintf(`*"offset":%d}`, offset))
		}
	}
	phone.ack(1)
	tablet.ack(2)
	for _, c := range []*client{phone, tablet} {
		c.leave()
		a.returns(c, nil, 3, true, 2, 3)
	}
}

// A client may be further behind than its user is, but not ahead.
func TestAcknowledgedAndPosition(t *testing.T) {
	a := startAck(t, 5, nil)
	a.publish("1", "2", "3", "4", "5")
	c := a.as("ann")
	a.returns(c, nil, 5, false, 5, none)
	last := a.publish("6", "7")
	c.want(`*"offset":6}`)
	c.want(`*"offset":7}`)
	c.ack(6)
	for _, row := range []struct {
		from      broker.Position
		recovered bool
		acked     int
		first     int
	}{
		{broker.Position{Epoch: last.Epoch, Offset: 3}, true, 6, 4},
		{broker.Position{Epoch: last.Epoch, Offset: 7}, true, 6, 7},
		{broker.Position{Epoch: last.Epoch, Offset: 70}, true, 6, 7},
		{broker.Position{Epoch: "other", Offset: 7}, false, 6, none}, // what this one misses is no matter of the others
		{broker.Position{Epoch: last.Epoch, Offset: 1}, false, 6, none},
		{broker.Position{Epoch: last.Epoch, Offset: 6}, true, 6, 7},
	} {
		c.leave()
		a.returns(c, &row.from, 7, row.recovered, row.acked, row.first)
	}
	a.returns(a.as("bob"), &broker.Position{Epoch: last.Epoch, Offset: 4}, 7, true, 4, 5)
	a.returns(a.as("bob"), nil, 7, true, 4, 5)
}

// What the history, or the conn, does not hold is told to be missing, once, and the cursor goes on from there.
func TestAcknowledgedTooLongAgo(t *testing.T) {
	a := startAck(t, 100, func(cfg *Config, o *channel.Options) { cfg.OutboundMaxBytes = 20_000 })
	c := a.as("ann")
	a.returns(c, nil, 0, false, 0, none)
	c.leave()
	kilobyte := `"` + strings.Repeat("x", 1000) + `"`
	for range 20 { // too many bytes to be read
		a.publish(kilobyte)
	}
	a.returns(c, nil, 20, false, 20, none)
	c.leave()
	for range 16 { // too many for what the conn can hold
		a.publish(kilobyte)
	}
	a.returns(c, nil, 36, false, 36, none)
	c.leave()
	a.publish(kilobyte)
	a.returns(c, nil, 37, true, 36, 37)
	c.leave()
	for range 101 { // more than are kept
		a.publish("1")
	}
	a.returns(c, nil, 138, false, 138, none)
}

func TestBadAcknowledgements(t *testing.T) {
	a := startAck(t, 10, nil)
	a.publish("1")
	for _, c := range []*client{a.as("ann"), greet(t, a.s)} {
		c.say(`{"type":"ack","id":1,"channel":"news","offset":1}`)
		c.want(`{"type":"error","id":1,"channel":"news","code":"not_subscribed",*}`)
		c.say(`{"type":"subscribe","channel":"news"}`)
		c.want(`{"type":"subscribed",*`)
		c.say(`{"type":"ack","id":2,"channel":"news","offset":2}`, `{"type":"ack","channel":"news","offset":18446744073709551615}`)
		c.want(`{"type":"error","id":2,"channel":"news","code":"bad_request",*}`)
		c.want(`{"type":"error","channel":"news","code":"bad_request",*}`)
		c.leave()
	}
	a.publish("2")
	a.returns(a.as("ann"), nil, 2, true, 1, 2)
}

// Clients without a user, of /ws/raw, and with a wildcard have no cursor.
func TestNothingIsAcknowledged(t *testing.T) {
	a := startAck(t, 10, func(cfg *Config, o *channel.Options) { cfg.Namespaces.ByName["open"] = o })
	a.publish("1", "2")
	c := greet(t, a.s)
	for range 2 {
		c.subscribe("news")
		c.ack(1)
		c.leave()
	}
	c = a.as("ann")
	c.say(`{"type":"subscribe","id":1,"channel":"open:*"}`, `{"type":"ack","id":2,"channel":"open:1","offset":0}`)
	c.want(`{"type":"subscribed","id":1,"channel":"open:*"}`)
	c.want(`{"type":"error","id":2,"channel":"open:1","code":"not_subscribed",*}`)
	dial(t, a.s, "/ws/raw?channel=news&token="+mint(t, time.Now(), nil), "")
	waitForSubscriber(t, a.s, "news")
	if stats := a.s.ackStats(); stats.Cursors != 0 {
		t.Errorf("%+v", stats)
	}
}

// Whoever puts a client into a channel, and says who it is, the cursor counts.
func TestAcknowledgedServerSide(t *testing.T) {
	a := startAck(t, 10, nil)
	in := mint(t, time.Now(), map[string]any{"channels": []string{"news"}})
	c := greetWith(t, a.s, in)
	a.wantSubscribed(c, 0, false, 0, none)
	a.publish("1", "2")
	c.want(`*"offset":1}`)
	c.want(`*"offset":2}`)
	c.ack(1)
	a.wantSubscribed(greetWith(t, a.s, in), 2, true, 1, 2)
	c = a.as("ann")
	call(t, a.s, "POST", "/api/subscribe", `{"client":"`+c.id+`","channel":"news"}`, apiKey)
	a.wantSubscribed(c, 2, true, 1, 2)

	// One who was nobody when it subscribed.
	c = greet(t, a.s)
	c.subscribe("news")
	c.say(`{"type":"connect","token":"` + mint(t, time.Now(), map[string]any{"sub": "bob"}) + `"}`)
	c.want(`{"type":"welcome",*`)
	c.ack(1)
	c.leave()
	a.returns(c, nil, 2, true, 1, 2)
}

func TestAcknowledgedByAUserOfTheBackend(t *testing.T) {
	b := startBackend(t)
	n := keeping(10, func(o *channel.Options) { o.Ack = true })
	a := &ackTest{t, startServer(t, Config{Namespaces: n, Webhooks: b.config(webhook.Connect)})}
	enter := func() *client {
		c := dial(t, a.s, "/ws", "")
		b.asked(webhook.Connect).say <- `{"allow":true,"user":"ann"}`
		c.want(`{"type":"welcome",*"user":"ann",*`)
		return c
	}
	c := enter()
	a.returns(c, nil, 0, false, 0, none)
	a.publish("1", "2")
	c.want(`*"offset":1}`)
	c.want(`*"offset":2}`)
	c.ack(1)
	a.returns(enter(), nil, 2, true, 1, 2)
}

// What a slow client has been promised may be acknowledged before it came; what was not comes again.
func TestAcknowledgedWhileBehind(t *testing.T) {
	a := startAck(t, 100_000, func(cfg *Config, o *channel.Options) {
		cfg.OutboundMaxBytes, cfg.OutboundMaxAge, o.Slow = 50_000, patience, channel.SkipToHistory
	})
	c := a.as("ann")
	a.returns(c, nil, 0, false, 0, none)
	var last uint64
	large := `"` + strings.Repeat("x", 8000) + `"`
	for a.s.reactor.Stats().Drops["suspended"] == 0 {
		last = a.publish(large).Offset
	}
	if promised, standing := c.hearAll(0, int(last)); promised == 0 || standing != 0 {
		t.Fatalf("%d gaps were promised to be filled, %d stand", promised, standing)
	}
	c.ack(last - 2)
	c.leave()
	a.returns(c, nil, int(last), true, int(last)-2, int(last)-1)
}

// A server that starts again has another epoch, and no cursors.
func TestAcknowledgedBeforeARestart(t *testing.T) {
	for _, from := range []*broker.Position{nil, {Epoch: "old", Offset: 1}} {
		a := startAck(t, 10, nil)
		a.publish("1", "2")
		a.returns(a.as("ann"), from, 2, false, 2, none)
	}
}
