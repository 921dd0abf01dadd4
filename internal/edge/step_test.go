package edge

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/webhook"
)

// unasked wants the backend to have heard nothing that the test has not taken.
func (b *backend) unasked() {
	b.t.Helper()
	select {
	case q := <-b.heard:
		b.t.Fatalf("the backend was asked %+v", q)
	default:
	}
}

// What a client may not anyway, the backend is not asked about.
func TestNobodyIsAskedAboutWhatMayNotBe(t *testing.T) {
	b := startBackend(t)
	clock := newStillClock()
	namespaces := channel.Open()
	namespaces.Default.MaxMessageBytes, namespaces.Default.PublishRate = 4, 1
	namespaces.ByName = map[string]*channel.Options{"closed": {}}
	s := startServer(t, Config{
		Webhooks: b.config(webhook.Subscribe, webhook.Publish), Namespaces: namespaces, ChannelsPerConn: 2, now: clock.Now,
		Limits: Limits{MessageRate: 6},
	})
	c := greet(t, s)
	c.say(`{"type":"subscribe","id":1,"channels":["a","closed:a"]}`)
	if q := b.agree(webhook.Subscribe); q.Channel != "a" {
		t.Fatalf("asked %+v", q)
	}
	c.want(`{"type":"subscribed","id":1,"channel":"a",*}`)
	c.want(`{"type":"error","id":1,"channel":"closed:a","code":"permission_denied",*}`)
	c.say(`{"type":"subscribe","id":2,"channel":"a"}`)
	c.want(`{"type":"error","id":2,"channel":"a","code":"already_subscribed",*}`)
	c.say(`{"type":"publish","id":3,"channel":"closed:a","data":1}`, `{"type":"publish","id":4,"channel":"a","data":12345}`)
	c.want(`{"type":"error","id":3,"channel":"closed:a","code":"permission_denied",*}`)
	c.want(`{"type":"error","id":4,"channel":"a","code":"too_large",*}`)
	b.unasked()

	c.say(`{"type":"publish","id":5,"channel":"a","data":5}`, `{"type":"publish","id":6,"channel":"a","data":6}`, `{"type":"publish","id":7,"channel":"a","data":7}`)
	b.agree(webhook.Publish)
	b.agree(webhook.Publish)
	for range 5 { // two publications and three answers, the last of which is an error
		if got := c.hear(); strings.Contains(got, `"id":7,`) != matches(`{"type":"error","id":7,"channel":"a","code":"rate",*}`, got) {
			t.Fatal(got)
		}
	}
	clock.pass(2 * time.Second)

	c.say(`{"type":"subscribe","id":8,"channel":"b"}`)
	b.agree(webhook.Subscribe)
	c.want(`{"type":"subscribed","id":8,"channel":"b",*}`)
	c.say(`{"type":"subscribe","id":9,"channel":"c"}`)
	c.want(`{"type":"error","id":9,"channel":"c","code":"limit",*}`)
	for i := range 10 {
		c.say(fmt.Sprintf(`{"type":"ping","id":%d}`, i))
		c.want(fmt.Sprintf(`{"type":"pong","id":%d}`, i))
	}
	c.say(`{"type":"publish","id":10,"channel":"a","data":1}`, `{"type":"subscribe","id":11,"channels":["d","e"]}`)
	c.want(`{"type":"error","id":10,"channel":"a","code":"rate",*}`)
	c.want(`{"type":"error","id":11,"code":"rate",*}`) // one message, one answer
	b.unasked()
	clock.pass(2 * time.Second)
	c.idle()
}

// What changes while the backend thinks counts behind its answer, and before it is asked.
func TestWhatChangesWhileTheBackendIsAsked(t *testing.T) {
	b := startBackend(t)
	hooks := b.config(webhook.Subscribe, webhook.Publish)
	s := startServer(t, Config{Webhooks: hooks})
	c := greet(t, s)
	c.say(`{"type":"subscribe","id":1,"channel":"a"}`, `{"type":"publish","id":2,"channel":"a","data":1}`)
	first, second := <-b.heard, <-b.heard // in any order
	if err := s.Reconfigure(Config{Webhooks: hooks, Namespaces: &channel.Namespaces{}}); err != nil {
		t.Fatal(err)
	}
	first.say <- yes
	second.say <- yes
	c.want(`{"type":"error","id":1,"channel":"a","code":"permission_denied",*}`)
	c.want(`{"type":"error","id":2,"channel":"a","code":"permission_denied",*}`)

	if err := s.Reconfigure(Config{Webhooks: hooks}); err != nil {
		t.Fatal(err)
	}
	c.say(`{"type":"subscribe","id":3,"channel":"a"}`)
	b.agree(webhook.Subscribe)
	c.want(`{"type":"subscribed","id":3,"channel":"a",*}`)
	c.say(`{"type":"publish","id":4,"channel":"b","data":1}`, `{"type":"unsubscribe","id":5,"channel":"a"}`, `{"type":"subscribe","id":6,"channel":"a"}`)
	q := b.asked(webhook.Publish)
	q.say <- yes
	if q := b.agree(webhook.Subscribe); q.Channel != "a" { // asked when the unsubscribe has been carried out
		t.Fatalf("asked %+v", q)
	}
	c.want(`{"type":"published","id":4,*}`)
	c.want(`{"type":"unsubscribed","id":5,"channel":"a"}`)
	c.want(`{"type":"subscribed","id":6,"channel":"a",*}`)
}

// A subscription token is verified before the backend is asked.
func TestTokensOfSubscriptionsComeBeforeTheBackend(t *testing.T) {
	b := startBackend(t)
	cfg := authConfig()
	cfg.Webhooks = b.config(webhook.Subscribe)
	s := startServer(t, cfg)
	c := greetWith(t, s, mint(t, time.Now(), nil))
	bad := mint(t, time.Now(), map[string]any{"channel": "token:1", "sub": "bob"})
	good := mint(t, time.Now(), map[string]any{"channel": "token:1"})
	c.say(`{"type":"subscribe","id":1,"channel":"token:1","token":"` + bad + `"}`)
	c.want(`{"type":"error","id":1,"channel":"token:1","code":"permission_denied",*}`)
	b.unasked()
	c.say(`{"type":"subscribe","id":2,"channel":"token:1","token":"` + good + `"}`)
	if q := b.agree(webhook.Subscribe); q.Channel != "token:1" {
		t.Fatalf("asked %+v", q)
	}
	c.want(`{"type":"subscribed","id":2,"channel":"token:1",*}`)
}

// Denied channels of one command are one strike.
func TestDeniedChannelsOfOneCommand(t *testing.T) {
	b := startBackend(t)
	for _, hooks := range []*webhook.Config{nil, b.config(webhook.Subscribe)} {
		s := startServer(t, Config{Webhooks: hooks, Namespaces: &channel.Namespaces{Strict: true}, Auth: &auth.Config{Anonymous: true}})
		c := greet(t, s)
		c.say(`{"type":"subscribe","id":1,"channels":["x"` + strings.Repeat(`,"x"`, 2*maxStrikes) + `]}`)
		for range 2*maxStrikes + 1 {
			c.want(`{"type":"error","id":1,"channel":"x","code":"permission_denied",*}`)
		}
		c.idle()
		b.unasked()
		if n := s.denied.byReason()["subscribe"]; n != 2*maxStrikes+1 {
			t.Errorf("%d counted", n)
		}
	}
}

// A token that came with several channels is verified once, however many those are, and the backend is asked about all of them at once.
func TestATokenForSeveralChannelsIsVerifiedOnce(t *testing.T) {
	b := startBackend(t)
	cfg := authConfig()
	cfg.Webhooks = b.config(webhook.Subscribe)
	s := startServer(t, cfg)
	c := greetWith(t, s, mint(t, time.Now(), nil))
	token := mint(t, time.Now(), map[string]any{"channel": "token:*"})
	c.say(`{"type":"subscribe","id":1,"channels":["token:a","token:b","token:c"],"token":"` + token + `"}`)
	questions := []*question{b.asked(webhook.Subscribe), b.asked(webhook.Subscribe), b.asked(webhook.Subscribe)}
	for _, q := range questions {
		q.say <- yes
	}
	for _, name := range []string{"a", "b", "c"} {
		c.want(`{"type":"subscribed","id":1,"channel":"token:` + name + `",*}`)
	}
}
