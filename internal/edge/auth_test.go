package edge

import (
	"fmt"
	"maps"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/dialect/native"
)

var testSecret = []byte("the secret of the tests of package edge")

// movableClock is a wall clock that a test sets.
type movableClock struct{ offset atomic.Int64 }

func (c *movableClock) now() time.Time      { return time.Now().Add(time.Duration(c.offset.Load())) }
func (c *movableClock) add(d time.Duration) { c.offset.Add(int64(d)) }

// authConfig lets in who has a token, to channels of a namespace for each kind of access.
func authConfig() Config {
	all := func(a channel.Access) *channel.Options {
		return &channel.Options{Subscribe: a, Publish: a, Presence: a, History: a}
	}
	return Config{
		Auth: &auth.Config{
			Keys:    []auth.Key{{Algorithm: "HS256", Secret: testSecret}},
			APIKeys: []auth.APIKey{{Name: "test", Secret: "the key of the tests", Scopes: []auth.Scope{auth.ScopeAll}}},
		},
		Namespaces: &channel.Namespaces{Strict: true, Default: *all(channel.Authenticated), ByName: map[string]*channel.Options{
			"none": all(channel.Nobody), "token": all(channel.ByToken), "open": all(channel.Anyone),
		}},
	}
}

var apiKey = map[string]string{"X-API-Key": "the key of the tests"}

// mint makes a token for ann, with changes to its claims; nil takes one out.
func mint(t *testing.T, now time.Time, changes map[string]any) string {
	t.Helper()
	claims := map[string]any{"sub": "ann", "iat": now.Unix() - 1, "exp": now.Unix() + 600}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	token, err := (&auth.SigningKey{Algorithm: "HS256", Secret: testSecret}).Sign(claims)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// greetWith opens a native conversation with a token and takes the welcome.
func greetWith(t *testing.T, s *Server, token string) *client {
	t.Helper()
	c := dial(t, s, "/ws?token="+token, "")
	welcome := c.hear()
	if _, err := fmt.Sscanf(welcome, `{"type":"welcome","client":%q`, &c.id); err != nil {
		t.Fatalf("welcome %s: %v", welcome, err)
	}
	return c
}

// wantGoodbye wants the announcement of a close, and the close.
func (c *client) wantGoodbye(code frame.CloseCode, reason string) {
	c.t.Helper()
	c.want(fmt.Sprintf(`{"type":"disconnect","code":%d,"reason":"%s"*}`, code, reason))
	c.wantClose(code)
}

func TestWaysToPresentAToken(t *testing.T) {
	s := startServer(t, authConfig())
	token := mint(t, time.Now(), map[string]any{"sub": `än"n`})
	welcome := `{"type":"welcome",*"client":"*","user":"än\"n","ping":0,"node":"*","expires_in":*}`
	dial(t, s, "/ws?token="+token, "").want(welcome)
	dial(t, s, "/ws?a=b&t%6fken="+token, "").want(welcome)
	dial(t, s, "/ws", "Authorization: Bearer "+token+"\r\n").want(welcome)
	dial(t, s, "/ws", "authorization: bearer  "+token+" \r\nAuthorization: Basic eDp5\r\n").want(welcome)
	c := dial(t, s, "/ws", "")
	c.say(`{"type":"ping","id":1}`, `{"type":"subscribe","id":2,"channel":"open:1"}`, `{"type":"connect","id":3}`, `{"type":"refresh","id":4,"token":"`+token+`"}`)
	for id := 1; id <= 4; id++ {
		c.want(fmt.Sprintf(`{"type":"error","id":%d,"code":"unauthorized",*}`, id))
	}
	c.say(`{"type":"connect","id":5,"token":"`+token+`"}`, `{"type":"subscribe","id":6,"channel":"news"}`, `{"type":"connect","id":7}`, `{"type":"connect","id":8,"token":"`+token+`"}`)
	c.want(strings.Replace(welcome, "*", `"id":5,`, 1))
	c.want(`{"type":"subscribed","id":6,*}`)
	c.want(strings.Replace(welcome, "*", `"id":7,`, 1))
	c.want(`{"type":"error","id":8,"code":"bad_request",*}`)

	for _, row := range []struct{ target, lines, status string }{
		{"/ws?token=" + token + "&token=" + token, "", "400"}, {"/ws?token=" + token, "Authorization: Bearer " + token + "\r\n", "400"},
		{"/ws", "Authorization: Bearer " + token + "\r\nAuthorization: Bearer " + token + "\r\n", "400"}, {"/ws?token=%zz", "", "400"}, {"/ws", "Authorization: Bearer\r\n", "401"},
	} {
		if r := dialRaw(t, s, handshake(s, row.target, row.lines)); r.status() != row.status {
			t.Errorf("%s %q: %s", row.target[:6], row.lines[:min(len(row.lines), 22)], r.head)
		}
	}
}

// TestIdentityComesFromTokensOnly: headers that proxies or clients may set say nothing about who a client is.
func TestIdentityComesFromTokensOnly(t *testing.T) {
	cfg := authConfig()
	cfg.Auth.Anonymous = true
	s := startServer(t, cfg)
	token := mint(t, time.Now(), nil)
	for _, lines := range []string{
		"X-User: ann\r\nX-Forwarded-User: ann\r\nX-Remote-User: ann\r\nRemote-User: ann\r\nX-WebAuth-User: ann\r\n", "Cookie: token=" + token + "; user=ann\r\n", "X-API-Key: the key of the tests\r\n",
		"Authorization: Basic YW5uOmFubg==\r\n", "Authorization: apikey the key of the tests\r\n", "X-Token: " + token + "\r\n", "Sec-WebSocket-Protocol: wsedge.v1, " + token + "\r\n",
	} {
		c := dial(t, s, "/ws?user=ann&sub=ann", lines)
		c.want(`{"type":"welcome","client":"*","ping":0,"node":"*"}`)
		c.say(`{"type":"subscribe","channel":"news"}`, `{"type":"subscribe","channel":"open:1"}`)
		c.want(`{"type":"error","channel":"news","code":"permission_denied",*}`)
		c.want(`{"type":"subscribed","channel":"open:1",*}`)
	}
	c := dial(t, s, "/ws", "") // who was let in without a name may still give one
	c.want(`{"type":"welcome",*}`)
	c.say(`{"type":"connect","token":"` + token + `"}`)
	c.want(`{"type":"welcome",*"user":"ann",*}`)
}

func TestBadTokensAreClosed(t *testing.T) {
	s := startServer(t, authConfig())
	now := time.Now()
	for _, row := range []struct{ token, reason string }{
		{"x", "invalid_token"}, {mint(t, now, nil) + "A", "invalid_token"}, {mint(t, now, map[string]any{"exp": now.Unix() - 60, "iat": now.Unix() - 90}), "token_expired"},
		{mint(t, now, map[string]any{"channel": "news"}), "invalid_token"},
	} {
		dial(t, s, "/ws?token="+row.token, "").wantGoodbye(native.CloseBadToken, row.reason)
		c := dial(t, s, "/ws", "")
		c.say(`{"type":"connect","token":"`+row.token+`"}`, `{"type":"subscribe","channel":"open:1"}`)
		c.wantGoodbye(native.CloseBadToken, row.reason)
		if r := dialRaw(t, s, handshake(s, "/ws/raw?channel=open:1&token="+row.token, "")); r.status() != "401" || !strings.Contains(r.head, "WWW-Authenticate: Bearer") {
			t.Errorf("raw: %s", r.head)
		}
	}
	_, text := call(t, s, "GET", "/metrics", "", nil)
	for _, want := range []string{`wsedge_tokens_rejected_total{reason="malformed"} 3`, `{reason="signature"} 3`, `{reason="expired"} 3`, `{reason="purpose"} 3`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not among the metrics", want)
		}
	}
}

func TestNotConnectedInTime(t *testing.T) {
	cfg := authConfig()
	cfg.Auth.ConnectTimeout = 10 * time.Millisecond
	s := startServer(t, cfg)
	dial(t, s, "/ws", "").wantGoodbye(native.CloseNotInTime, "connect_timeout")
	if n := s.limiter.refusals.ByReason()["connect_timeout"]; n != 1 {
		t.Errorf("counted %d times", n)
	}
}

func TestPermissions(t *testing.T) {
	s := startServer(t, authConfig())
	grants := []any{map[string]any{"channel": "token:a*", "allow": []string{"subscribe"}}, map[string]any{"channel": "token:b", "allow": []string{"publish"}}}
	c := greetWith(t, s, mint(t, time.Now(), map[string]any{"grants": grants}))
	for _, row := range []struct {
		channel            string
		subscribe, publish bool
	}{
		{"news", true, true}, {"open:1", true, true}, {"none:1", false, false}, {"token:a1", true, false}, {"token:b", false, true}, {"token:c", false, false}, {"unknown:1", false, false},
	} {
		for verb, allowed := range map[string]bool{"subscribe": row.subscribe, "publish": row.publish} {
			// A client for each: who is denied too often is closed.
			c := greetWith(t, s, mint(t, time.Now(), map[string]any{"grants": grants}))
			c.say(`{"type":"` + verb + `","id":1,"channel":"` + row.channel + `","data":1}`)
			if allowed {
				c.want(`{"type":"` + verb[:len(verb)-len("e")] + `*ed","id":1,"channel":"` + row.channel + `",*}`)
			} else {
				c.want(`{"type":"error","id":1,"channel":"` + row.channel + `","code":"permission_denied",*}`)
			}
		}
	}
	for range maxStrikes {
		c.say(`{"type":"publish","channel":"none:1","data":1}`)
	}
	for range maxStrikes - 1 {
		c.want(`{"type":"error","channel":"none:1","code":"permission_denied",*}`)
	}
	c.wantGoodbye(native.ClosePermission, "permission_denied")
	c = greetWith(t, s, mint(t, time.Now(), nil))
	c.say(`{"type":"subscribe","channels":["none:1"` + strings.Repeat(`,"none:2"`, 20) + `]}`) // one command counts once
	c.want(`{"type":"error","channel":"none:1",*}`)
	for range 20 {
		c.want(`{"type":"error","channel":"none:2",*}`)
	}
	for range maxStrikes - 1 {
		c.say(`{"type":"subscribe","channel":"none:3"}`)
	}
	for range maxStrikes - 2 {
		c.want(`{"type":"error","channel":"none:3",*}`)
	}
	c.wantGoodbye(native.ClosePermission, "permission_denied")
	for target, status := range map[string]string{
		"/ws/raw?channel=open:1": "401", "/ws/raw?channel=open:1&channel=token:a&token=": "101", "/ws/raw?channel=open:1&channel=token:b&token=": "403", "/ws/raw?channel=none:1&token=": "403",
	} {
		if strings.HasSuffix(target, "=") {
			target += mint(t, time.Now(), map[string]any{"grants": grants})
		}
		if r := dialRaw(t, s, handshake(s, target, "")); r.status() != status {
			t.Errorf("%s: %s, want %s", target[:40], r.head, status)
		}
	}
	if got := s.denied.byReason(); got["subscribe"] != 27+maxStrikes-1 || got["publish"] != 4+maxStrikes {
		t.Errorf("counted %v", got)
	}
}

// TestBadSubscriptionTokensAreDenials: each costs a verification, so that who goes on presenting them is closed.
func TestBadSubscriptionTokensAreDenials(t *testing.T) {
	s := startServer(t, authConfig())
	c := greetWith(t, s, mint(t, time.Now(), nil))
	for range maxStrikes {
		c.say(`{"type":"subscribe","channel":"token:1","token":"` + mint(t, time.Now(), map[string]any{"channel": "token:1", "sub": "bob"}) + `"}`)
	}
	for range maxStrikes - 1 {
		c.want(`{"type":"error","channel":"token:1","code":"permission_denied",*}`)
	}
	c.wantGoodbye(native.ClosePermission, "permission_denied")
	if got := s.denied.byReason()["subscribe"]; got != maxStrikes {
		t.Errorf("%d counted", got)
	}
}

func TestPermissionsWithoutAuthentication(t *testing.T) {
	cfg := authConfig()
	cfg.Auth = nil
	s := startServer(t, cfg)
	c := greet(t, s)
	c.say(`{"type":"subscribe","channel":"news"}`, `{"type":"publish","channel":"token:1","data":1}`, `{"type":"subscribe","channel":"open:1","token":"x"}`, `{"type":"refresh","token":"x"}`)
	c.want(`{"type":"error","channel":"news","code":"permission_denied",*}`)
	c.want(`{"type":"error","channel":"token:1","code":"permission_denied",*}`)
	c.want(`{"type":"subscribed","channel":"open:1",*}`)
	c.want(`{"type":"refreshed"}`)
	if r := dialRaw(t, s, handshake(s, "/ws/raw?channel=news", "")); r.status() != "403" {
		t.Errorf("raw: %s", r.head)
	}
	if status, answer := post(t, s, "/api/disconnect", `{"client":"`+c.id+`"}`); status != 200 || answer != `{"disconnected":1}` {
		t.Errorf("%d %s", status, answer)
	}
	c.wantGoodbye(native.CloseForced, "forced")
	if status, _ := post(t, s, "/api/revoke", `{"user":"ann"}`); status != 400 {
		t.Errorf("revoke: %d", status)
	}
}

func TestExpiryAndRefresh(t *testing.T) {
	clock := &movableClock{}
	cfg := authConfig()
	cfg.now, cfg.Auth.RefreshWindow = clock.now, 50*time.Millisecond
	s := startServer(t, cfg)
	short := map[string]any{"exp": clock.now().Unix() + 100}
	leaves, refreshes := greetWith(t, s, mint(t, clock.now(), short)), greetWith(t, s, mint(t, clock.now(), short))
	raw := dial(t, s, "/ws/raw?channel=news&token="+mint(t, clock.now(), short), "")
	refreshes.say(`{"type":"refresh","id":1,"token":"` + mint(t, clock.now(), map[string]any{"exp": clock.now().Unix() + 1000}) + `"}`)
	refreshes.want(`{"type":"refreshed","id":1,"expires_in":9*}`)
	refreshes.say(`{"type":"refresh","id":2,"token":"` + mint(t, clock.now(), map[string]any{"sub": "bob"}) + `"}`)
	refreshes.want(`{"type":"error","id":2,"code":"permission_denied",*}`)
	clock.add(200 * time.Second)
	leaves.wantGoodbye(native.CloseExpired, "expired")
	raw.wantClose(frame.ClosePolicyViolation)
	refreshes.idle()
	clock.add(2000 * time.Second)
	refreshes.wantGoodbye(native.CloseExpired, "expired")
}

func TestRefreshWithinTheWindow(t *testing.T) {
	clock := &movableClock{}
	cfg := authConfig()
	cfg.now, cfg.Auth.RefreshWindow = clock.now, time.Hour
	s := startServer(t, cfg)
	c := greetWith(t, s, mint(t, clock.now(), map[string]any{"exp": clock.now().Unix() + 100}))
	clock.add(200 * time.Second)
	s.gate.expire(clock.now())
	c.subscribe("news") // lives on
	c.say(`{"type":"refresh","token":"` + mint(t, clock.now(), nil) + `"}`)
	c.want(`{"type":"refreshed","expires_in":*}`)
	c.say(`{"type":"refresh","id":9,"token":"bad"}`)
	c.wantGoodbye(native.CloseBadToken, "invalid_token")
}

// TestClockSetBack closes nobody: a token whose time had come, by a clock that was wrong, is good again.
func TestClockSetBack(t *testing.T) {
	clock := &movableClock{}
	cfg := authConfig()
	cfg.now, cfg.Auth.RefreshWindow = clock.now, 20*time.Millisecond
	s := startServer(t, cfg)
	c := greetWith(t, s, mint(t, clock.now(), nil))
	clock.add(-time.Hour)
	s.gate.expire(clock.now().Add(2 * time.Hour)) // as it would have been told
	c.idle()
	clock.add(time.Hour)
	c.idle()
	clock.add(time.Hour)
	c.wantGoodbye(native.CloseExpired, "expired")
}

func TestSubscriptionTokens(t *testing.T) {
	clock := &movableClock{}
	cfg := authConfig()
	cfg.now = clock.now
	s := startServer(t, cfg)
	c := greetWith(t, s, mint(t, clock.now(), map[string]any{"exp": clock.now().Unix() + 3600}))
	sub := func(pattern string, changes map[string]any) string {
		claims := map[string]any{"channel": pattern, "exp": clock.now().Unix() + 100}
		maps.Copy(claims, changes)
		return mint(t, clock.now(), claims)
	}
	say := func(name, token, answer string) {
		t.Helper()
		c.say(`{"type":"subscribe","id":1,"channel":"` + name + `","token":"` + token + `"}`)
		c.want(`{"type":` + answer + `*}`)
	}
	denied := `"error","id":1,"channel":"*","code":"permission_denied"`
	say("token:1", sub("token:2", nil), denied)
	say("token:1", sub("token:1", map[string]any{"sub": "bob"}), denied)
	say("token:1", mint(t, clock.now(), nil), denied)
	say("token:1", "x", denied)
	say("none:1", sub("none:1", nil), denied)
	say("token:1", sub("token:1", nil), `"subscribed","id":1`)
	say("token:w1", sub("token:w*", map[string]any{"jti": "wild"}), `"subscribed","id":1`)
	c.subscribe("token:w2") // by the leave for all of them
	c.say(`{"type":"publish","id":1,"channel":"token:1","data":1}`)
	c.want(`{"type":` + denied + `*}`)
	say("token:long", sub("token:long", map[string]any{"exp": clock.now().Unix() + 3000}), `"subscribed","id":1`)

	if status, answer := call(t, s, "POST", "/api/revoke", `{"token":"wild"}`, apiKey); status != 200 || answer != `{"disconnected":0}` {
		t.Errorf("%d %s", status, answer)
	}
	c.want(`{"type":"unsubscribed","channel":"token:w1","reason":"revoked"}`)
	c.want(`{"type":"unsubscribed","channel":"token:w2","reason":"revoked"}`)
	clock.add(200 * time.Second)
	c.want(`{"type":"unsubscribed","channel":"token:1","reason":"expired"}`)
	c.idle()
	clock.add(3000 * time.Second)
	c.want(`{"type":"unsubscribed","channel":"token:long","reason":"expired"}`)
}

// TestPermissionTakenBack: a channel that a new token, or new namespaces, no longer allow is left.
func TestPermissionTakenBack(t *testing.T) {
	cfg := authConfig()
	s := startServer(t, cfg)
	granted := map[string]any{"grants": []any{map[string]any{"channel": "token:*", "allow": []string{"subscribe"}}}}
	c := greetWith(t, s, mint(t, time.Now(), granted))
	c.subscribe("token:1")
	c.subscribe("news")
	c.say(`{"type":"refresh","token":"` + mint(t, time.Now(), nil) + `"}`)
	c.want(`{"type":"refreshed",*}`)
	c.want(`{"type":"unsubscribed","channel":"token:1","reason":"permission_denied"}`)
	s.hub.SetNamespaces(&channel.Namespaces{})
	s.Reconsider()
	c.want(`{"type":"unsubscribed","channel":"news","reason":"permission_denied"}`)
	c.idle()
}
