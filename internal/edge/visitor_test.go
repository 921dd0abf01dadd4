package edge

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/webhook"
)

var visitorSecret = []byte("0123456789abcdef0123456789abcdef")

// visitorToken is a token for a user, good for a minute.
func visitorToken(user string) string {
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." +
		encode(fmt.Appendf(nil, `{"sub":%q,"iat":%d,"exp":%d}`, user, time.Now().Unix(), time.Now().Add(time.Minute).Unix()))
	mac := hmac.New(sha256.New, visitorSecret)
	mac.Write([]byte(text))
	return text + "." + encode(mac.Sum(nil))
}

func authWithWebhooks(b *backend, anonymous bool, events ...webhook.Event) Config {
	return Config{
		Webhooks: b.config(events...), Namespaces: channel.Open(),
		Auth: &auth.Config{Keys: []auth.Key{{Algorithm: "HS256", Secret: visitorSecret}}, Anonymous: anonymous},
	}
}

// TestBackendHearsOfProvenUsers has a token verified first: the backend hears of the user, and not of the token.
func TestBackendHearsOfProvenUsers(t *testing.T) {
	b := startBackend(t)
	s := startServer(t, authWithWebhooks(b, false, webhook.Connect, webhook.Subscribe, webhook.Disconnect))
	c := dial(t, s, "/ws?token="+visitorToken("ann"), "")
	c.say(`{"type":"subscribe","id":1,"channel":"a"}`)
	q := b.asked(webhook.Connect)
	if q.User != "ann" || q.Token != "" {
		t.Fatalf("asked %+v", q)
	}
	q.say <- `{"allow":true,"user":"bob"}`
	c.want(`{"type":"welcome","client":"*","user":"ann",*}`)
	if q := b.agree(webhook.Subscribe); q.User != "ann" {
		t.Fatalf("asked %+v", q)
	}
	c.want(`{"type":"subscribed","id":1,"channel":"a",*}`)
	c.conn.Close()
	if q := b.agree(webhook.Disconnect); q.Clients[0].User != "ann" {
		t.Fatalf("told %+v", q)
	}

	raw := dial(t, s, "/ws/raw?channel=a&token="+visitorToken("eve"), "")
	if q := b.asked(webhook.Connect); q.User != "eve" || q.Token != "" {
		t.Fatalf("asked %+v", q)
	} else {
		q.say <- `{"allow":false}`
	}
	raw.wantClose(1008)
}

// TestBackendIsNotAskedAboutStrangers has clients without a good token.
func TestBackendIsNotAskedAboutStrangers(t *testing.T) {
	b := startBackend(t)
	s := startServer(t, authWithWebhooks(b, false, webhook.Connect, webhook.Subscribe, webhook.Publish, webhook.Disconnect))
	c := dial(t, s, "/ws", "")
	c.say(`{"type":"subscribe","id":1,"channel":"a"}`, `{"type":"publish","id":2,"channel":"a","data":1}`)
	c.want(`{"type":"error","id":1,"code":"unauthorized",*}`)
	c.want(`{"type":"error","id":2,"code":"unauthorized",*}`)
	c.say(`{"type":"connect","id":3,"token":"` + visitorToken("ann") + `"}`)
	b.agree(webhook.Connect)
	c.want(`{"type":"welcome","id":3,"client":"*","user":"ann",*}`)
	c.conn.Close()
	b.agree(webhook.Disconnect)

	dial(t, s, "/ws?token="+visitorToken("ann")+"x", "").want(`{"type":"disconnect","code":3500,*}`)
	select {
	case q := <-b.heard:
		t.Fatalf("the backend heard of a stranger: %+v", q)
	default:
	}
}

// TestWhoTurnsOutToBeSomebodyElse has an anonymous client present a token behind a command that waits for the backend. What follows is
// asked about under the new name only.
func TestWhoTurnsOutToBeSomebodyElse(t *testing.T) {
	b := startBackend(t)
	s := startServer(t, authWithWebhooks(b, true, webhook.Connect, webhook.Publish))
	c := dial(t, s, "/ws", "")
	b.agree(webhook.Connect)
	c.want(`{"type":"welcome","client":"*","ping":*}`)
	c.say(`{"type":"publish","id":1,"channel":"a","data":1}`, `{"type":"connect","id":2,"token":"`+visitorToken("ann")+`"}`,
		`{"type":"publish","id":3,"channel":"a","data":2}`)
	if q := b.agree(webhook.Publish); q.User != "" {
		t.Fatalf("asked %+v", q)
	}
	if q := b.agree(webhook.Connect); q.User != "ann" {
		t.Fatalf("asked %+v", q)
	}
	if q := b.agree(webhook.Publish); q.User != "ann" || string(q.Data) != "2" {
		t.Fatalf("asked %+v", q)
	}
	c.want(`{"type":"published","id":1,"channel":"a","offset":1}`)
	c.want(`{"type":"welcome","id":2,"client":"*","user":"ann",*}`)
	c.want(`{"type":"published","id":3,"channel":"a","offset":2}`)
	c.idle()
}
