package edge

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/channel"
)

// keeping are namespaces in which anyone may do anything, with so much history.
func keeping(size int, change func(o *channel.Options)) *channel.Namespaces {
	n := channel.Open()
	n.Default.HistorySize, n.Default.Recover = size, true
	if change != nil {
		change(&n.Default)
	}
	return n
}

// publishAll publishes texts on news.
func publishAll(t testing.TB, s *Server, data ...string) (epoch string) {
	t.Helper()
	for _, d := range data {
		status, answer := post(t, s, "/api/publish", fmt.Sprintf(`{"channel":"news","data":%s}`, d))
		if status != 200 {
			t.Fatalf("%d %s", status, answer)
		}
		_, epoch, _ = strings.Cut(answer, `"epoch":"`)
		epoch, _, _ = strings.Cut(epoch, `"`)
	}
	return epoch
}

func recoverFrom(epoch string, offset uint64) string {
	return fmt.Sprintf(`{"type":"subscribe","id":1,"channel":"news","recover":{"epoch":%q,"offset":%d}}`, epoch, offset)
}

func TestRecovery(t *testing.T) {
	s := startServer(t, Config{Namespaces: keeping(3, nil)})
	epoch := publishAll(t, s, "1", `"two"`, `{"three":3}`, "4", "5")
	for _, c := range []struct {
		from      uint64
		epoch     string
		recovered bool
		messages  []string
	}{
		{5, epoch, true, nil},
		{4, epoch, true, []string{`5,"offset":5`}},
		{2, epoch, true, []string{`{"three":3},"offset":3`, `4,"offset":4`, `5,"offset":5`}},
		{1, epoch, false, nil},
		{0, epoch, false, nil},
		{6, epoch, false, nil},
		{4, "other", false, nil},
	} {
		client := greet(t, s)
		client.say(recoverFrom(c.epoch, c.from))
		client.want(fmt.Sprintf(`{"type":"subscribed","id":1,"channel":"news","epoch":%q,"offset":5,"recovered":%v}`, epoch, c.recovered))
		for _, m := range c.messages {
			client.want(`{"type":"message","channel":"news","data":` + m + `}`)
		}
		client.idle()
		client.conn.Close()
	}
	client := greet(t, s)
	client.say(recoverFrom(epoch, 3))
	client.want(`*"recovered":true}`)
	publishAll(t, s, "6")
	for _, offset := range []string{"4", "5", "6"} {
		client.want(`*"offset":` + offset + `}`)
	}
	client.idle()
}

// What a client may not recover, by the channel's options, it knows to be missing; who is up to date knows that, too.
func TestRecoveryNotOffered(t *testing.T) {
	s := startServer(t, Config{Namespaces: keeping(10, func(o *channel.Options) { o.Recover = false })})
	epoch := publishAll(t, s, "1", "2")
	for from, recovered := range map[uint64]bool{1: false, 2: true} {
		c := greet(t, s)
		c.say(recoverFrom(epoch, from))
		c.want(fmt.Sprintf(`*"recovered":%v}`, recovered))
		c.idle()
	}
}

// More than the conn may hold is not recovered, not even a part of it.
func TestRecoveryThatDoesNotFit(t *testing.T) {
	s := startServer(t, Config{Namespaces: keeping(100, nil), OutboundMaxBytes: 40_000})
	kilobyte := `"` + strings.Repeat("x", 1000) + `"`
	var all []string
	for range 50 {
		all = append(all, kilobyte)
	}
	epoch := publishAll(t, s, all...)
	c := greet(t, s)
	c.say(recoverFrom(epoch, 30))
	c.want(`*"offset":50,"recovered":true}`)
	for offset := 31; offset <= 50; offset++ {
		c.want(fmt.Sprintf(`*"offset":%d}`, offset))
	}
	for _, from := range []uint64{15, 1} { // too much for what may wait; too much to be read
		c = greet(t, s)
		c.say(recoverFrom(epoch, from))
		c.want(`*"offset":50,"recovered":false}`)
		c.idle()
	}
}

// One who was left out is left out of what is sent again, too.
func TestRecoveryLeavesOutTheExcluded(t *testing.T) {
	s := startServer(t, Config{Namespaces: keeping(10, nil)})
	c := greet(t, s)
	c.subscribe("news")
	epoch := publishAll(t, s, "1")
	c.want(`*"offset":1}`)
	c.say(`{"type":"unsubscribe","channel":"news"}`)
	c.want(`*`)
	post(t, s, "/api/publish", fmt.Sprintf(`{"channel":"news","data":2,"exclude":%q}`, c.id))
	publishAll(t, s, "3")
	c.say(recoverFrom(epoch, 1))
	c.want(`*"recovered":true}`)
	c.want(`*"offset":3}`)
	c.say(`{"type":"history","channel":"news"}`)
	c.want(`*"publications":[{"data":1,"offset":1},{"data":3,"offset":3}]}`)
}

func TestLatestValue(t *testing.T) {
	s := startServer(t, Config{Namespaces: keeping(2, func(o *channel.Options) { o.Latest = true })})
	c := greet(t, s)
	c.subscribe("news")
	c.idle()
	epoch := publishAll(t, s, "1", "2", "3")
	for _, from := range []string{"", `,"recover":{"epoch":"other","offset":3}`, fmt.Sprintf(`,"recover":{"epoch":%q,"offset":0}`, epoch)} {
		c = greet(t, s)
		c.say(`{"type":"subscribe","channel":"news"` + from + `}`)
		c.want(`{"type":"subscribed","channel":"news","epoch":"*","offset":3*}`)
		c.want(`{"type":"message","channel":"news","data":3,"offset":3}`)
		c.idle()
	}
	c = greet(t, s)
	c.say(recoverFrom(epoch, 1))
	c.want(`*"recovered":true}`)
	c.want(`*"offset":2}`)
	c.want(`*"offset":3}`)
	c.idle()
	late := dial(t, s, "/ws/raw?channel=news", "")
	if text := late.hear(); text != "3" {
		t.Errorf("raw: %s", text)
	}
	publishAll(t, s, "4")
	if text := late.hear(); text != "4" {
		t.Errorf("raw: %s", text)
	}
}

func TestHistory(t *testing.T) {
	s := startServer(t, Config{Namespaces: keeping(3, nil)})
	epoch := publishAll(t, s, "1", "2", "3", "4")
	c := greet(t, s)
	const begin = `{"type":"history","id":1,"channel":"news","epoch":"*","offset":4`
	for command, want := range map[string]string{
		``:           `,"publications":[{"data":2,"offset":2},{"data":3,"offset":3},{"data":4,"offset":4}]}`,
		`,"limit":1`: `,"publications":[{"data":4,"offset":4}]}`,
		`,"limit":1,"since":{"epoch":"` + epoch + `","offset":2}`: `,"recovered":true,"publications":[{"data":3,"offset":3}]}`,
		`,"since":{"epoch":"` + epoch + `","offset":4}`:           `,"recovered":true,"publications":[]}`,
		`,"limit":1,"since":{"epoch":"x","offset":2}`:             `,"recovered":false,"publications":[{"data":2,"offset":2}]}`,
	} {
		c.say(`{"type":"history","id":1,"channel":"news"` + command + `}`)
		c.want(begin + want)
		status, answer := post(t, s, "/api/history", `{"channel":"news"`+command+`}`)
		if status != 200 || !matches(`{"channel":"news","epoch":"*","offset":4`+want, answer) {
			t.Errorf("%s: %d %s", command, status, answer)
		}
	}
	for _, bad := range []string{`"limit":0`, `"limit":1001`, `"limit":"1"`, `"since":1`, `"since":{"epoch":"x"}`} {
		c.say(`{"type":"history","channel":"news",` + bad + `}`)
		c.want(`{"type":"error","code":"bad_request","message":"*"}`)
		if status, answer := post(t, s, "/api/history", `{"channel":"news",`+bad+`}`); status != 400 {
			t.Errorf("%s: %d %s", bad, status, answer)
		}
	}
	if status, _ := post(t, s, "/api/history", `{"channel":"new s"}`); status != 400 {
		t.Error(status)
	}
}

func TestHistoryNeedsPermission(t *testing.T) {
	s := startServer(t, Config{Namespaces: keeping(3, func(o *channel.Options) { o.History = channel.Authenticated })})
	c := greet(t, s)
	c.say(`{"type":"history","id":1,"channel":"news"}`)
	c.want(`{"type":"error","id":1,"channel":"news","code":"permission_denied","message":"*"}`)
}

func TestHistoryBehindASlowEngine(t *testing.T) {
	engine := newSlowEngine()
	s := startServer(t, Config{Broker: engine, Namespaces: keeping(3, nil)})
	c := greet(t, s)
	c.say(`{"type":"history","id":1,"channel":"news"}`, `{"type":"ping","id":2}`, recoverFrom("x", 1), `{"type":"history","id":3,"channel":"news"}`)
	engine.answer(2, nil)
	c.want(`{"type":"history","id":1,*}`)
	c.want(`{"type":"pong","id":2}`)
	c.want(`{"type":"subscribed",*"recovered":false}`)
	engine.answer(1, fmt.Errorf("down"))
	c.want(`{"type":"error","id":3,"channel":"news","code":"unavailable",*}`)
}

func TestClientsPublishOnce(t *testing.T) {
	s := startServer(t, Config{})
	c := greet(t, s)
	c.subscribe("news")
	publish := `{"type":"publish","id":%d,"channel":"news","data":1,"idempotency_key":"k"}`
	c.say(fmt.Sprintf(publish, 1), fmt.Sprintf(publish, 2))
	c.want(`{"type":"published","id":1,"channel":"news","offset":1}`)
	c.want(`{"type":"published","id":2,"channel":"news","offset":1}`)
	c.want(`{"type":"message","channel":"news","data":1,"offset":1,"client":"*"}`)
	c.idle()
	_, answer := post(t, s, "/api/publish", `{"channel":"news","data":1,"idempotency_key":"k"}`)
	if !matches(`{"channel":"news","offset":2,*"matched":1}`, answer) { // a backend's key is another
		t.Error(answer)
	}
	c.want(`{"type":"message","channel":"news","data":1,"offset":2}`)
	c.say(`{"type":"publish","channel":"news","data":1,"idempotency_key":1}`)
	c.want(`*"code":"bad_request"*`)
}

// Age and new namespaces take history away, and the client is told.
func TestRecoveryAfterTrimming(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	engine := broker.NewMemory(broker.MemoryConfig{Now: func() time.Time { return now }})
	s := startServer(t, Config{Broker: engine, Namespaces: keeping(10, func(o *channel.Options) { o.HistoryAge = time.Minute })})
	kept := greet(t, s) // keeps the channel open
	kept.subscribe("news")
	epoch := publishAll(t, s, "1", "2")
	c := greet(t, s)
	c.say(recoverFrom(epoch, 1))
	c.want(`*"recovered":true}`)
	c.want(`*"offset":2}`)
	s.hub.SetNamespaces(keeping(0, func(o *channel.Options) { o.Recover = false }))
	c = greet(t, s)
	c.say(recoverFrom(epoch, 1))
	c.want(`*"recovered":false}`)
	c.idle()
}
