package edge

import (
	"net/http"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/webhook"
)

// A key is its publisher's: whoever guesses it can't have the publications of others swallowed.
func TestIdempotencyKeysOfOthers(t *testing.T) {
	s := startServer(t, authConfig())
	publish := func(user, offset string) {
		t.Helper()
		c := greetWith(t, s, mint(t, time.Now(), map[string]any{"sub": user}))
		c.say(`{"type":"publish","channel":"news","data":"` + user + `","idempotency_key":"k"}`)
		c.want(`{"type":"published","channel":"news","offset":` + offset + `}`)
	}
	publish("eve", "1")
	publish("ann", "2")
	publish("ann", "2")
	publish("eve", "1")
	status, answer := call(t, s, http.MethodPost, "/api/publish", `{"channel":"news","data":1,"idempotency_key":"k"}`, apiKey)
	if status != http.StatusOK || !matches(`*"offset":3,*`, answer) {
		t.Error(status, answer)
	}
	publish("api", "4")
}

// The user may be who the backend says.
func TestIdempotencyKeysOfWhoTheBackendSays(t *testing.T) {
	b := startBackend(t)
	s := startServer(t, Config{Webhooks: b.config(webhook.Connect)})
	for _, step := range []struct{ user, offset string }{{"eve", "1"}, {"ann", "2"}, {"ann", "2"}, {"", "3"}} {
		c := dial(t, s, "/ws", "")
		b.asked(webhook.Connect).say <- `{"allow":true,"user":"` + step.user + `"}`
		c.want(`{"type":"welcome",*}`)
		c.say(`{"type":"publish","channel":"news","data":1,"idempotency_key":"k"}`)
		c.want(`{"type":"published","channel":"news","offset":` + step.offset + `}`)
	}
}
