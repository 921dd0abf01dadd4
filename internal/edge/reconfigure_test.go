package edge

import (
	"testing"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/webhook"
	"github.com/wsedge/wsedge/reactor"
)

func TestReconfigure(t *testing.T) {
	s := startServer(t, Config{ChannelsPerConn: 1})
	c := greet(t, s)
	c.subscribe("a")
	c.say(`{"type":"subscribe","id":1,"channel":"b"}`)
	c.want(`{"type":"error","id":1,"channel":"b","code":"limit",*}`)

	namespaces := channel.Open()
	namespaces.Default.MaxMessageBytes = 7
	if err := s.Reconfigure(Config{Addr: "127.0.0.1:1", ChannelsPerConn: 2, Namespaces: namespaces, Limits: Limits{MessageRate: 50}}); err != nil {
		t.Fatal(err)
	}
	c.subscribe("b")
	if got := s.limiter.limits().MessageRate; got != 50 {
		t.Errorf("the rate of messages: %d", got)
	}
	if err := s.Reconfigure(Config{Limits: Limits{ConnsPerUser: 5}}); err == nil {
		t.Error("a count was switched on while it ran")
	}
	if got := s.hub.Options("a").MaxMessageBytes; got != 7 {
		t.Errorf("the hub's options: %d", got)
	}

	if err := s.Reconfigure(Config{ChannelsPerConn: -1}); err == nil {
		t.Error("a bad configuration was taken")
	}
	if err := s.Reconfigure(Config{ChannelsPerConn: 5, Addr: "nonsense"}); err == nil {
		t.Error("a configuration with another mistake was taken")
	}
	c.say(`{"type":"subscribe","id":2,"channel":"c"}`)
	c.want(`{"type":"error","id":2,"channel":"c","code":"limit",*}`)

	if err := s.Reconfigure(Config{Auth: &auth.Config{}}); err == nil {
		t.Error("authentication was turned on")
	}
	raw := dial(t, s, "/ws/raw?channel=a", "")
	if err := s.Reconfigure(Config{Namespaces: &channel.Namespaces{}}); err != nil {
		t.Fatal(err)
	}
	c.want(`{"type":"unsubscribed","channel":"a","reason":"permission_denied"}`)
	c.want(`{"type":"unsubscribed","channel":"b","reason":"permission_denied"}`)
	raw.wantClose(frame.ClosePolicyViolation)
}

// TestReconfigureBehindAHandshake: what a client of /ws/raw was allowed at the handshake may be forbidden before it is among the clients
// that are looked at.
func TestReconfigureBehindAHandshake(t *testing.T) {
	s := startServer(t, Config{})
	c := dial(t, s, "/ws/raw?channel=a", "")
	s.hub.SetNamespaces(&channel.Namespaces{})
	s.clients.all()[0].Post(func(c *reactor.Conn) {
		late := &rawSession{server: s, names: []string{"b"}}
		late.open(c)
		late.closed()
	})
	c.wantClose(frame.ClosePolicyViolation)
}

func TestReconfigureKeys(t *testing.T) {
	config := func(key string, namespaces *channel.Namespaces) Config {
		return Config{Namespaces: namespaces, Auth: &auth.Config{APIKeys: []auth.APIKey{{Name: "k", Secret: key, Scopes: []auth.Scope{auth.ScopeAll}}}}}
	}
	const first, second = "first-0123456789", "second-0123456789"
	s := startServer(t, config(first, nil))
	status := func(key string) int {
		t.Helper()
		status, _ := call(t, s, "POST", "/api/publish", `{"channel":"a","data":1}`, map[string]string{"X-API-Key": key})
		return status
	}
	if status(first) != 200 || status(second) != 401 {
		t.Fatal("the first key does not count")
	}
	if err := s.Reconfigure(config("short", &channel.Namespaces{})); err == nil {
		t.Error("a bad key was taken")
	}
	if err := s.Reconfigure(Config{Namespaces: &channel.Namespaces{}, Limits: Limits{MessageRate: 7}}); err == nil {
		t.Error("authentication was turned off")
	}
	if s.limiter.limits().MessageRate != 0 {
		t.Error("limits were taken from a bad configuration")
	}
	if s.hub.Options("a").Subscribe != channel.Anyone || status(first) != 200 {
		t.Error("a bad configuration was taken in part")
	}
	if err := s.Reconfigure(config(second, nil)); err != nil {
		t.Fatal(err)
	}
	if status(first) != 401 || status(second) != 200 {
		t.Error("the second key does not count")
	}
}

// TestReconfigureWebhooks: the next question goes by the new settings, what is under way by the old ones; on and off is refused as a whole.
func TestReconfigureWebhooks(t *testing.T) {
	before, after := startBackend(t), startBackend(t)
	s := startServer(t, Config{Webhooks: before.config(webhook.Connect)})
	waiting := dial(t, s, "/ws", "")
	q := before.asked(webhook.Connect)
	if err := s.Reconfigure(Config{Webhooks: after.config(webhook.Connect, webhook.Subscribe)}); err != nil {
		t.Fatal(err)
	}
	q.say <- `{"allow":true,"user":"old"}`
	waiting.want(`{"type":"welcome",*"user":"old"*}`)
	waiting.say(`{"type":"subscribe","id":1,"channel":"a"}`)
	after.agree(webhook.Subscribe)
	waiting.want(`{"type":"subscribed","id":1,*}`)
	enterAs(after, s, "/ws", "new").want(`{"type":"welcome",*"user":"new"*}`)

	if err := s.Reconfigure(Config{ChannelsPerConn: 7}); err == nil || s.current.Load().ChannelsPerConn == 7 {
		t.Errorf("webhooks were turned off: %v", err)
	}
	bad := after.config(webhook.Publish)
	bad.Secret = nil
	if err := s.Reconfigure(Config{Webhooks: bad}); err == nil || s.hooks.Wants(webhook.Publish) {
		t.Errorf("taken: %v", err)
	}
	if err := startServer(t, Config{}).Reconfigure(Config{Webhooks: after.config(webhook.Connect)}); err == nil {
		t.Error("webhooks were turned on")
	}
}
