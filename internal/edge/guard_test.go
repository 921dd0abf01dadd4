package edge

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/reactor"
)

func TestMessageRate(t *testing.T) {
	clock := newStillClock()
	s := startServer(t, Config{Limits: Limits{MessageRate: 5}, now: clock.Now})
	c, other := greet(t, s), greet(t, s)
	for range 10 { // two seconds' worth
		c.idle()
	}
	c.say(`{"type":"publish","id":7,"channel":"news","data":1}`)
	c.want(`{"type":"error","id":7,"channel":"news","code":"rate","message":"*"}`)
	c.say(`{"type":"ping","id":8}`)
	c.want(`{"type":"error","id":8,"code":"rate","message":"*"}`)
	other.idle() // pays for nobody
	clock.pass(time.Second)
	for range 5 {
		c.idle()
	}
	c.say(`{"type":"ping"}`)
	c.want(`{"type":"error","code":"rate","message":"*"}`)
	if n := limited(s, "message_rate"); n != 3 {
		t.Errorf("%d counted, want 3", n)
	}
}

// Who is refused and goes on regardless is closed, with the code of what it overdid.
func TestPersistentClientsAreClosed(t *testing.T) {
	namespaces := channel.Open()
	namespaces.Default.MaxMessageBytes, namespaces.Default.PublishRate = 10, 1
	for name, row := range map[string]struct {
		limits  Limits
		message string
		code    frame.CloseCode
	}{
		"messages":     {Limits{MessageRate: 1}, `{"type":"ping"}`, native.CloseRate},
		"publications": {Limits{}, `{"type":"publish","channel":"news","data":1}`, native.CloseRate},
		"sizes":        {Limits{}, `{"type":"publish","channel":"news","data":"0123456789"}`, frame.CloseMessageTooBig},
		"channels":     {Limits{}, `{"type":"subscribe","channels":["a","b"]}`, native.CloseChannelLimit},
	} {
		t.Run(name, func(t *testing.T) {
			clock := newStillClock()
			s := startServer(t, Config{Limits: row.limits, Namespaces: namespaces, ChannelsPerConn: 1, now: clock.Now})
			c, patient := greet(t, s), greet(t, s)
			for range maxRefusals + 20 {
				c.say(row.message)
				if strings.HasPrefix(c.hear(), `{"type":"disconnect"`) {
					t.Fatal("closed without an answer")
				}
				if limited(s, "persistent") > 0 {
					break
				}
			}
			c.want(fmt.Sprintf(`{"type":"disconnect","code":%d,"reason":"*`, row.code))
			c.wantClose(row.code)
			for range 3 * maxRefusals { // as often in the end, but slower: ten refusals a second
				patient.say(row.message)
				patient.hear()
				clock.pass(time.Second / refusalRate)
			}
			patient.say(`{"type":"pong?"}`)
			patient.hear()
			if n := limited(s, "persistent"); n != 1 {
				t.Errorf("%d closed, want 1", n)
			}
		})
	}
}

func TestPublishRateAndSizeOfANamespace(t *testing.T) {
	clock := newStillClock()
	namespaces := channel.Open()
	namespaces.ByName = map[string]*channel.Options{
		"tight": {Subscribe: channel.Anyone, Publish: channel.Anyone, PublishRate: 1, MaxMessageBytes: 8},
		"other": {Subscribe: channel.Anyone, Publish: channel.Anyone, PublishRate: 1},
	}
	s := startServer(t, Config{Namespaces: namespaces, now: clock.Now})
	c := greet(t, s)
	publish := func(channel, data, answer string) {
		t.Helper()
		c.say(`{"type":"publish","id":1,"channel":"` + channel + `","data":` + data + `}`)
		c.want(`{"type":` + answer + `}`)
	}
	published, rate, large := `"published",*`, `"error","id":1,"channel":"*","code":"rate",*`, `"error","id":1,"channel":"*","code":"too_large",*`
	publish("tight:a", `"123456"`, published)
	publish("tight:a", `"1234567"`, large)    // takes nothing of the rate
	publish("tight:b", `"123456"`, published) // two seconds' worth, over all channels of the namespace
	publish("tight:a", `1`, rate)
	publish("tight:c", `1`, rate)
	publish("other:a", `"1234567890"`, published)
	publish("free", `"1234567890"`, published)
	other := greet(t, s)
	other.say(`{"type":"publish","channel":"tight:a","data":1}`)
	other.want(`{"type":"published",*}`)
	clock.pass(time.Second)
	publish("tight:a", `1`, published)
	if limited(s, "publish_rate") != 2 || limited(s, "message_bytes") != 1 {
		t.Errorf("%v", s.limiter.refusals.ByReason())
	}

	// The API is held to the size, and to no client's rate.
	if status, answer := post(t, s, "/api/publish", `{"channel":"tight:a","data":"1234567"}`); status != 413 || !matches(`*"code":"too_large"*`, answer) {
		t.Errorf("%d %s", status, answer)
	}
	if status, answer := post(t, s, "/api/broadcast", `{"channels":["tight:a","free"],"data":"1234567"}`); status != 200 ||
		!matches(`{"results":[{"channel":"tight:a","code":"too_large",*},{"channel":"free","offset":*}]}`, answer) {
		t.Errorf("%d %s", status, answer)
	}
	for range 5 {
		if status, answer := post(t, s, "/api/publish", `{"channel":"tight:a","data":1}`); status != 200 {
			t.Errorf("%d %s", status, answer)
		}
	}
}

// Buckets of namespaces that are not in use, such as those of before a reload, are forgotten.
func TestPublishBucketsAreBounded(t *testing.T) {
	var g guard
	now := int64(time.Second)
	for range 1000 {
		g.publishBucket(&channel.Options{PublishRate: 1}, now)
		now += int64(time.Second)
	}
	if len(*g.publishes) != 1 {
		t.Errorf("%d buckets", len(*g.publishes))
	}
}

// TestUnsubscribeFromMoreThanOneCanHave: one message must not buy thousands of replies.
func TestUnsubscribeFromMoreThanOneCanHave(t *testing.T) {
	s := startServer(t, Config{ChannelsPerConn: 2})
	c := greet(t, s)
	c.subscribe("a")
	c.subscribe("b")
	c.say(`{"type":"unsubscribe","id":1,"channels":["a","b","c"]}`)
	c.want(`{"type":"error","id":1,"code":"limit",*}`)
	if err := s.Reconfigure(Config{ChannelsPerConn: 1}); err != nil {
		t.Fatal(err)
	}
	c.say(`{"type":"unsubscribe","id":2,"channels":["a","b"]}`) // it has kept both
	c.want(`{"type":"unsubscribed","id":2,"channel":"a"}`)
	c.want(`{"type":"unsubscribed","id":2,"channel":"b"}`)
}

func TestUserMessageRate(t *testing.T) {
	clock := newStillClock()
	m := newLimiter(Limits{UserMessageRate: 2}, clock.Now)
	for range 4 {
		if !m.userMessage("ann") {
			t.Fatal("refused within the rate")
		}
	}
	if m.userMessage("ann") {
		t.Error("the fifth is not refused")
	}
	if !m.userMessage("bob") {
		t.Error("one user pays for another")
	}
	if !m.userMessage("") {
		t.Error("nobody is somebody")
	}
	clock.pass(500 * time.Millisecond)
	if !m.userMessage("ann") {
		t.Error("refused after half a second")
	}
}

// A client without limits and without bad messages has no guard, and one has no more than its sum.
func TestGuardIsMadeWhenNeeded(t *testing.T) {
	if size := unsafe.Sizeof(guard{}); size > 48 {
		t.Errorf("a guard is %d B, want at most 48", size)
	}
	s := startServer(t, Config{})
	c := greet(t, s)
	c.subscribe("news")
	c.say(`{"type":"publish","channel":"news","data":1}`)
	c.hear()
	c.hear()
	c.idle()
	has := make(chan bool)
	s.clients.conn(c.id).Post(func(rc *reactor.Conn) { has <- rc.Context().(*session).guard != nil })
	if <-has {
		t.Error("it has a guard")
	}
}
