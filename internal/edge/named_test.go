package edge

import (
	"strings"
	"testing"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/webhook"
)

// enterAs opens a conversation whose client the backend names.
func enterAs(b *backend, s *Server, path, user string) *client {
	b.t.Helper()
	c := dial(b.t, s, path, "")
	b.asked(webhook.Connect).say <- `{"allow":true,"user":"` + user + `"}`
	return c
}

// Whom only the backend has named is a user like any other: to the limits of users, and to the API.
func TestUsersThatOnlyTheBackendNames(t *testing.T) {
	b := startBackend(t)
	clock := newStillClock()
	s := startServer(t, Config{
		Webhooks: b.config(webhook.Connect), Limits: Limits{ConnsPerUser: 2, UserMessageRate: 2}, now: clock.Now,
	})
	first := enterAs(b, s, "/ws", "ann")
	first.want(`{"type":"welcome",*"user":"ann"*}`)
	raw := enterAs(b, s, "/ws/raw?channel=news", "ann")
	waitForSubscriber(t, s, "news")

	refused := enterAs(b, s, "/ws", "ann")
	refused.want(`{"type":"disconnect","code":3504,"reason":"user_connections"}`)
	refused.wantClose(native.CloseConnLimit)
	enterAs(b, s, "/ws/raw?channel=news", "ann").wantClose(frame.CloseTryAgainLater)
	bob := enterAs(b, s, "/ws", "bob")
	bob.want(`{"type":"welcome",*"user":"bob"*}`)
	enterAs(b, s, "/ws", "").want(`{"type":"welcome",*}`)
	if n := limited(s, "user_connections"); n != 2 {
		t.Errorf("%d counted, want 2", n)
	}

	if _, answer := post(t, s, "/api/subscribe", `{"user":"ann","channel":"x"}`); answer != `{"clients":2}` {
		t.Errorf("subscribe: %s", answer)
	}
	first.want(`{"type":"subscribed","channel":"x",*}`)
	if _, answer := post(t, s, "/api/unsubscribe", `{"user":"ann","channel":"x"}`); answer != `{"clients":2}` {
		t.Errorf("unsubscribe: %s", answer)
	}
	first.want(`{"type":"unsubscribed","channel":"x","reason":"server"}`)
	first.subscribe("user#ann") // the first of the user's commands
	post(t, s, "/api/publish", `{"user":"ann","data":1}`)
	first.want(`{"type":"message","channel":"user#ann","data":1,"offset":1}`)

	for range 3 { // with the subscribe: two seconds' worth
		first.idle()
	}
	first.say(`{"type":"ping","id":1}`)
	first.want(`{"type":"error","id":1,"code":"rate","message":"*"}`)
	bob.idle()

	if _, answer := post(t, s, "/api/disconnect", `{"user":"ann"}`); answer != `{"disconnected":2}` {
		t.Errorf("disconnect: %s", answer)
	}
	first.want(`{"type":"disconnect","code":3503,"reason":"forced"}`)
	first.wantClose(native.CloseForced)
	raw.wantClose(frame.ClosePolicyViolation)
	eventually(t, "ann's places are free", func() bool { return s.limiter.users.Keys() == 1 && len(s.named.conns("ann")) == 0 })
}

// A client that presents a token is not any more whom the backend has named.
func TestTokensSayBetterThanTheBackend(t *testing.T) {
	b := startBackend(t)
	cfg := authWithWebhooks(b, true, webhook.Connect)
	cfg.Limits.ConnsPerUser = 1
	s := startServer(t, cfg)
	c := enterAs(b, s, "/ws", "bob")
	c.want(`{"type":"welcome",*"user":"bob"*}`)
	c.say(`{"type":"connect","id":1,"token":"` + visitorToken("ann") + `"}`)
	if q := b.agree(webhook.Connect); q.User != "ann" {
		t.Fatalf("asked %+v", q)
	}
	c.want(`{"type":"welcome","id":1,*"user":"ann"*}`)
	if n := len(s.userConns("bob")) + 10*len(s.userConns("ann")); n != 10 {
		t.Errorf("in the books: %d", n)
	}
	enterAs(b, s, "/ws", "bob").want(`{"type":"welcome",*"user":"bob"*}`)
}

// Who has become somebody else does not hear what is for whom it was: nobody who disconnects that one would find it.
func TestPersonalChannelsEndWithTheName(t *testing.T) {
	b := startBackend(t)
	s := startServer(t, authWithWebhooks(b, true, webhook.Connect))
	c := enterAs(b, s, "/ws", "bob")
	c.want(`{"type":"welcome",*"user":"bob"*}`)
	c.subscribe("user#bob")
	c.subscribe("news")
	c.say(`{"type":"connect","id":1,"token":"` + visitorToken("ann") + `"}`)
	b.agree(webhook.Connect)
	c.want(`{"type":"welcome","id":1,*"user":"ann"*}`)
	c.want(`{"type":"unsubscribed","channel":"user#bob","reason":"permission_denied"}`)
	c.subscribe("user#ann")
	c.say(`{"type":"unsubscribe","id":2,"channel":"news"}`)
	c.want(`{"type":"unsubscribed","id":2,"channel":"news"}`)
}

// What the backend gives needs no other permission, in both dialects, and is kept when namespaces are replaced.
func TestChannelsThatTheBackendGives(t *testing.T) {
	b := startBackend(t)
	closed := &channel.Namespaces{Default: channel.Options{Subscribe: channel.ByToken}}
	for _, cfg := range []Config{
		{Webhooks: b.config(webhook.Connect), Namespaces: closed},
		{Webhooks: b.config(webhook.Connect), Namespaces: closed, Auth: &auth.Config{Anonymous: true}},
	} {
		s := startServer(t, cfg)
		give := func(path, channels string) *client {
			c := dial(t, s, path, "")
			b.asked(webhook.Connect).say <- `{"allow":true,"channels":[` + channels + `]}`
			return c
		}
		c := give("/ws", `"given"`)
		c.want(`{"type":"welcome",*}`)
		c.want(`{"type":"subscribed","channel":"given",*}`)
		raw := give("/ws/raw?channel=asked", `"asked","given"`)
		waitForSubscriber(t, s, "asked")
		s.Reconsider()
		c.idle()
		publish := func(name string) {
			ch, err := s.hub.Acquire(name)
			if err != nil {
				t.Fatal(err)
			}
			defer ch.Release()
			_, _ = ch.Publish(&broker.Publication{Data: []byte(`"` + name + `"`)}, nil)
		}
		publish("asked")
		raw.want(`"asked"`)
		eventually(t, "both have what was given", func() bool {
			ch, err := s.hub.Acquire("given")
			if err != nil {
				return false
			}
			defer ch.Release()
			return ch.Topic().Subscribers() == 2
		})
		publish("given")
		raw.want(`"given"`)
		c.want(`{"type":"message","channel":"given",*}`)
		give("/ws/raw?channel=asked", `"given"`).wantClose(frame.ClosePolicyViolation)
		give("/ws/raw?channel=user%23ann", `"user#ann"`).wantClose(frame.ClosePolicyViolation)
	}
}

// Whom the backend has named has a user, and so what a namespace leaves to those who are authenticated.
func TestNamedUsersAreAuthenticated(t *testing.T) {
	b := startBackend(t)
	namespaces := &channel.Namespaces{Default: channel.Options{Subscribe: channel.Authenticated, Publish: channel.Authenticated}}
	s := startServer(t, Config{Webhooks: b.config(webhook.Connect), Namespaces: namespaces})
	named, nobody := enterAs(b, s, "/ws", "ann"), enterAs(b, s, "/ws", "")
	named.want(`{"type":"welcome",*}`)
	nobody.want(`{"type":"welcome",*}`)
	named.subscribe("a")
	nobody.say(`{"type":"subscribe","id":1,"channel":"a"}`, `{"type":"publish","id":2,"channel":"a","data":1}`)
	nobody.want(`{"type":"error","id":1,"channel":"a","code":"permission_denied",*}`)
	nobody.want(`{"type":"error","id":2,"channel":"a","code":"permission_denied",*}`)
	enterAs(b, s, "/ws/raw?channel=a", "").wantClose(frame.ClosePolicyViolation)
	raw := enterAs(b, s, "/ws/raw?channel=a", "bob")
	eventually(t, "bob is subscribed", func() bool {
		_, answer := post(t, s, "/api/publish", `{"channel":"a","data":1}`)
		return strings.Contains(answer, `"matched":2}`)
	})
	raw.want("1")
}

// A raw client has as many channels as are allowed now, those that the backend gives included.
func TestChannelsThatTheBackendGivesAreLimitedByNow(t *testing.T) {
	b := startBackend(t)
	cfg := Config{Webhooks: b.config(webhook.Connect), ChannelsPerConn: 1}
	s := startServer(t, cfg)
	cfg.ChannelsPerConn = 2
	if err := s.Reconfigure(cfg); err != nil {
		t.Fatal(err)
	}
	dial(t, s, "/ws/raw?channel=a", "")
	b.asked(webhook.Connect).say <- `{"allow":true,"channels":["b"]}`
	waitForSubscriber(t, s, "a")
	waitForSubscriber(t, s, "b")
}
