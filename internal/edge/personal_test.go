package edge

import (
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/webhook"
)

// What was published to a user can be read by the user alone, whatever the namespace lets others read.
func TestHistoryOfPersonalChannels(t *testing.T) {
	cfg := authConfig()
	cfg.Auth.Anonymous = true
	cfg.Namespaces.Default.HistorySize = 10
	s := startServer(t, cfg)
	if status, answer := call(t, s, "POST", "/api/publish", `{"user":"ann","data":"secret"}`, apiKey); status != 200 {
		t.Fatal(answer)
	}
	as := func(claims map[string]any) *client { return greetWith(t, s, mint(t, time.Now(), claims)) }
	const ask, refused = `{"type":"history","id":1,"channel":"user#ann"}`, `{"type":"error","id":1,"channel":"user#ann","code":"permission_denied",*}`
	grant := []any{map[string]any{"channel": "*", "allow": []string{"history"}}}
	for _, other := range []*client{as(map[string]any{"sub": "bob"}), as(map[string]any{"sub": "bob", "grants": grant}), greet(t, s)} {
		other.say(ask)
		other.want(refused)
	}
	ann := as(nil)
	ann.say(ask)
	ann.want(`{"type":"history","id":1,"channel":"user#ann",*"data":"secret"*}`)
}

// Likewise where only a backend says who clients are; in development mode nobody does.
func TestHistoryOfPersonalChannelsOfTheBackendsUsers(t *testing.T) {
	b := startBackend(t)
	s := startServer(t, Config{Namespaces: keeping(10, nil), Webhooks: b.config(webhook.Connect)})
	post(t, s, "/api/publish", `{"user":"ann","data":"secret"}`)
	for user, answer := range map[string]string{"bob": `{"type":"error","id":1,*"permission_denied"*}`, "ann": `{"type":"history",*"secret"*}`} {
		c := enterAs(b, s, "/ws", user)
		c.want(`{"type":"welcome",*}`)
		c.say(`{"type":"history","id":1,"channel":"user#ann"}`)
		c.want(answer)
	}
	open := startServer(t, Config{Namespaces: keeping(10, nil)})
	post(t, open, "/api/publish", `{"user":"ann","data":"everybody's"}`)
	c := greet(t, open)
	c.say(`{"type":"history","id":1,"channel":"user#ann"}`)
	c.want(`{"type":"history",*"everybody's"*}`)
}
