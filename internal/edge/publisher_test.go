package edge

import (
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/webhook"
)

// Where a client with a user has published, the message says so: live, in the history, on return and as the latest value. Others have none.
func TestMessagesNameTheUser(t *testing.T) {
	cfg := authConfig()
	cfg.Namespaces.Default.HistorySize, cfg.Namespaces.Default.Recover, cfg.Namespaces.Default.Latest = 10, true, true
	s := startServer(t, cfg)
	token := func(user string) string { return mint(t, time.Now(), map[string]any{"sub": user}) }
	ann, bob := greetWith(t, s, token(`an"n`)), greetWith(t, s, token("bob"))
	ann.say(`{"type":"subscribe","channel":"news"}`)
	ann.want(`{"type":"subscribed",*}`)
	ann.say(`{"type":"publish","channel":"news","data":1}`)
	message := `"data":1,"offset":1,"client":"` + ann.id + `","user":"an\"n"}`
	ann.want(`{"type":"published",*}`)
	ann.want(`{"type":"message","channel":"news",` + message)

	bob.say(`{"type":"history","channel":"news"}`)
	bob.want(`{"type":"history",*"publications":[{` + message + `]}`)
	bob.say(`{"type":"subscribe","channel":"news"}`)
	bob.want(`{"type":"subscribed",*}`)
	bob.want(`{"type":"message","channel":"news",` + message)
	back := greetWith(t, s, token("bob"))
	back.say(`{"type":"history","channel":"news"}`)
	_, epoch, _ := strings.Cut(back.hear(), `"epoch":"`)
	epoch, _, _ = strings.Cut(epoch, `"`)
	back.say(`{"type":"subscribe","channel":"news","recover":{"epoch":"` + epoch + `","offset":0}}`)
	back.want(`{"type":"subscribed",*"recovered":true}`)
	back.want(`{"type":"message","channel":"news",` + message)

	call(t, s, "POST", "/api/publish", `{"channel":"news","data":2}`, apiKey)
	bob.want(`{"type":"message","channel":"news","data":2,"offset":2}`)
}

// The user may be who the backend says.
func TestMessagesNameWhomTheBackendNames(t *testing.T) {
	b := startBackend(t)
	s := startServer(t, Config{Webhooks: b.config(webhook.Connect)})
	for user, tail := range map[string]string{"ann": `","user":"ann"}`, "": `"}`} {
		c := dial(t, s, "/ws", "")
		b.asked(webhook.Connect).say <- `{"allow":true,"user":"` + user + `"}`
		c.want(`{"type":"welcome",*}`)
		c.subscribe("of" + user)
		c.say(`{"type":"publish","channel":"of` + user + `","data":1}`)
		c.want(`{"type":"published",*}`)
		c.want(`{"type":"message","channel":"of` + user + `","data":1,"offset":1,"client":"*` + tail)
	}
}
