package edge

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/dialect/native"
)

// userToken makes a token for the user.
func userToken(t *testing.T, secret []byte, user string, now time.Time) string {
	t.Helper()
	key := &auth.SigningKey{Algorithm: "HS256", Secret: secret}
	token, err := key.Sign(map[string]any{"sub": user, "iat": now.Unix() - 1, "exp": now.Unix() + 600})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// A user has so many connections and so many messages, by token in the handshake or afterwards, and in both dialects; anonymous clients are
// nobody's.
func TestLimitsOfUsers(t *testing.T) {
	secret := []byte(strings.Repeat("s", 32))
	clock := newStillClock()
	s := startServer(t, Config{
		Auth:   &auth.Config{Keys: []auth.Key{{Algorithm: "HS256", Secret: secret}}, Anonymous: true},
		Limits: Limits{ConnsPerUser: 2, UserMessageRate: 2}, now: clock.Now,
	})
	ann, bob := userToken(t, secret, "ann", clock.Now()), userToken(t, secret, "bob", clock.Now())
	welcomed := func(token string) *client {
		t.Helper()
		c := dial(t, s, "/ws?token="+token, "")
		c.want(`{"type":"welcome",*"user":"*"*}`)
		return c
	}
	a, r := welcomed(ann), dial(t, s, "/ws/raw?channel=news&token="+ann, "")
	refused := dial(t, s, "/ws?token="+ann, "")
	refused.want(fmt.Sprintf(`{"type":"disconnect","code":%d,"reason":"user_connections"}`, native.CloseConnLimit))
	refused.wantClose(native.CloseConnLimit)
	dial(t, s, "/ws/raw?channel=news&token="+ann, "").wantClose(frame.CloseTryAgainLater)
	b := welcomed(bob)
	for range 5 {
		dial(t, s, "/ws", "").want(`{"type":"welcome",*}`)
	}
	if n := limited(s, "user_connections"); n != 2 {
		t.Errorf("%d counted, want 2", n)
	}

	r.conn.Close()
	for deadline := time.Now().Add(patience); s.clients.count() > 7; {
		if time.Now().After(deadline) {
			t.Fatalf("%d clients", s.clients.count())
		}
		time.Sleep(time.Millisecond)
	}
	again := welcomed(ann)
	for i := range 4 { // two seconds' worth, of both connections together
		[]*client{a, again}[i%2].idle()
	}
	again.say(`{"type":"ping","id":1}`)
	again.want(`{"type":"error","id":1,"code":"rate","message":"*"}`)
	if n := limited(s, "user_message_rate"); n != 1 {
		t.Errorf("%d counted, want 1", n)
	}
	b.idle()
	clock.pass(time.Second)
	a.idle()
}
