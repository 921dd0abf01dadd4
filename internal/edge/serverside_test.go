package edge

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/auth"
)

// withUsers starts a server with authentication; greetAs opens a conversation of a user, who has more claims.
func withUsers(t *testing.T) (s *Server, greetAs func(user string, more map[string]any) *client) {
	secret := []byte("0123456789abcdef0123456789abcdef")
	s = startServer(t, Config{Namespaces: withMembers(), Auth: &auth.Config{
		Keys: []auth.Key{{Algorithm: "HS256", Secret: secret}}, Anonymous: true,
		APIKeys: []auth.APIKey{{Name: "k", Secret: serverSideKey, Scopes: []auth.Scope{auth.ScopeAll}}},
	}})
	return s, func(user string, more map[string]any) *client {
		t.Helper()
		claims := map[string]any{"sub": user, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(), "info": map[string]any{"name": strings.ToUpper(user)}}
		maps.Copy(claims, more)
		token, err := (&auth.SigningKey{Algorithm: "HS256", Secret: secret}).Sign(claims)
		if err != nil {
			t.Fatal(err)
		}
		c := dial(t, s, "/ws?token="+token, "")
		welcome := c.hear()
		if _, err := fmt.Sscanf(welcome, `{"type":"welcome","client":%q`, &c.id); err != nil {
			t.Fatal(welcome, err)
		}
		return c
	}
}

const serverSideKey = "0123456789abcdef-key"

// request calls the API with the key.
func request(t *testing.T, s *Server, path, body string) string {
	t.Helper()
	_, answer := call(t, s, "POST", path, body, map[string]string{"X-API-Key": serverSideKey})
	return answer
}

func TestSubscribeByTheServer(t *testing.T) {
	s := startServer(t, Config{ChannelsPerConn: 3})
	a, b := greet(t, s), greet(t, s)
	if status, answer := post(t, s, "/api/subscribe", `{"client":"`+a.id+`","channels":["news","sport"]}`); status != 200 || answer != `{"clients":1}` {
		t.Fatal(status, answer)
	}
	a.want(`{"type":"subscribed","channel":"news","epoch":"*","offset":0}`)
	a.want(`{"type":"subscribed","channel":"sport","epoch":"*","offset":0}`)
	post(t, s, "/api/publish", `{"channel":"sport","data":1}`)
	a.want(`{"type":"message","channel":"sport","data":1,"offset":1}`)
	b.idle()

	post(t, s, "/api/subscribe", `{"client":"`+a.id+`","channels":["news","a","b"]}`)
	a.want(`{"type":"subscribed","channel":"a",*}`) // nothing of news, which it has
	a.want(`{"type":"error","channel":"b","code":"limit","message":"*"}`)

	post(t, s, "/api/unsubscribe", `{"client":"`+a.id+`","channels":["sport","b"]}`)
	a.want(`{"type":"unsubscribed","channel":"sport","reason":"server"}`)
	a.idle()
	a.say(`{"type":"unsubscribe","id":1,"channel":"news"}`) // a client may leave what it was put into
	a.want(`{"type":"unsubscribed","id":1,"channel":"news"}`)
	b.subscribe("news")
	post(t, s, "/api/unsubscribe", `{"client":"`+b.id+`","channel":"news"}`) // and the other way round
	b.want(`{"type":"unsubscribed","channel":"news","reason":"server"}`)

	gone := b.id
	b.conn.Close()
	eventually(t, "the end of a client", func() bool { return s.clients.conn(gone) == nil })
	for _, target := range []string{`"client":"` + gone + `"`, `"client":"nobody"`, `"user":"ann"`} {
		if status, answer := post(t, s, "/api/subscribe", `{`+target+`,"channel":"news"}`); status != 200 || answer != `{"clients":0}` {
			t.Error(target, status, answer)
		}
	}
	r := dial(t, s, "/ws/raw?channel=raw", "")
	eventually(t, "the raw client", func() bool { return s.clients.count() == 2 })
	post(t, s, "/api/unsubscribe", `{"client":"`+s.clients.id(1<<32|1)+`","channel":"raw"}`)
	post(t, s, "/api/publish", `{"channel":"raw","data":"still"}`)
	if _, text := r.next(); text != `"still"` {
		t.Error(text)
	}
}

func TestSubscribeAUser(t *testing.T) {
	s, greetAs := withUsers(t)
	a, b, c := greetAs("ann", nil), greetAs("bob", nil), greetAs("ann", nil)
	if answer := request(t, s, "/api/subscribe", `{"user":"ann","channels":["chat:1","user#ann","user#bob"]}`); answer != `{"clients":2}` {
		t.Fatal(answer)
	}
	for _, one := range []*client{a, c} {
		for _, want := range []string{
			`{"type":"subscribed","channel":"chat:1",*}`, `{"type":"subscribed","channel":"user#ann",*}`, `{"type":"error","channel":"user#bob","code":"permission_denied",*}`,
		} {
			for text := one.hear(); ; text = one.hear() {
				if matches(want, text) {
					break
				}
				if !strings.HasPrefix(text, `{"type":"join",`) {
					t.Fatalf("got %s, want %s", text, want)
				}
			}
		}
	}
	if answer := request(t, s, "/api/publish", `{"user":"ann","data":"hello"}`); !matches(`{"channel":"user#ann","offset":1,*"matched":2}`, answer) {
		t.Error(answer)
	}
	for _, one := range []*client{a, c} {
		text := one.hear()
		if strings.HasPrefix(text, `{"type":"join",`) {
			text = one.hear()
		}
		if text != `{"type":"message","channel":"user#ann","data":"hello","offset":1}` {
			t.Error(text)
		}
	}
	b.say(`{"type":"subscribe","id":1,"channel":"user#ann"}`, `{"type":"subscribe","id":2,"channel":"user#bob"}`)
	b.want(`{"type":"error","id":1,"channel":"user#ann","code":"permission_denied",*}`)
	b.want(`{"type":"subscribed","id":2,"channel":"user#bob",*}`)
	b.say(`{"type":"subscribe","channel":"chat:1"}`)
	b.want(`{"type":"subscribed","channel":"chat:1",*}`)
	a.want(`{"type":"join","channel":"chat:1","client":"` + b.id + `","user":"bob","info":{"name":"BOB"},"count":3}`)
	if answer := request(t, s, "/api/presence", `{"channel":"chat:1"}`); !strings.Contains(answer, `{"client":"`+b.id+`","user":"bob","info":{"name":"BOB"}}`) {
		t.Error(answer)
	}

	stranger := greet(t, s)
	stranger.say(`{"type":"subscribe","id":1,"channel":"user#"}`)
	stranger.want(`{"type":"error","id":1,"channel":"user#","code":"permission_denied",*}`)
}

// What the server gives needs no other permission, and stays when permissions are looked at again.
func TestChannelsOfTheToken(t *testing.T) {
	s, greetAs := withUsers(t)
	a := greetAs("ann", map[string]any{"channels": []string{"closed:1", "user#ann", "user#bob"}})
	a.want(`{"type":"subscribed","channel":"closed:1",*`)
	a.want(`{"type":"subscribed","channel":"user#ann",*`)
	a.want(`{"type":"error","channel":"user#bob","code":"permission_denied",*`)
	a.say(`{"type":"subscribe","id":1,"channel":"closed:2"}`)
	a.want(`{"type":"error","id":1,"channel":"closed:2","code":"permission_denied",*`)
	request(t, s, "/api/subscribe", `{"client":"`+a.id+`","channel":"closed:2"}`)
	a.want(`{"type":"subscribed","channel":"closed:2",*`)
	s.Reconsider()
	a.idle()
	a.say(`{"type":"unsubscribe","channels":["closed:1","closed:2"]}`)
	a.want(`{"type":"unsubscribed","channel":"closed:1"}`)
	a.want(`{"type":"unsubscribed","channel":"closed:2"}`)
	a.say(`{"type":"subscribe","channels":["closed:1","closed:2"]}`)
	a.want(`{"type":"subscribed","channel":"closed:1",*`)
	a.want(`{"type":"error","channel":"closed:2","code":"permission_denied",*`)
	if raw := dialRaw(t, s, handshake(s, "/ws/raw?channel=user%23ann", "")); raw.status() != "403" {
		t.Error(raw.head)
	}
}

func TestMemberRequestsAreRefused(t *testing.T) {
	s := startServer(t, Config{})
	for _, row := range []struct{ path, body, code string }{
		{"subscribe", `{"channel":"a"}`, "bad_request"},
		{"subscribe", `{"client":"x","user":"y","channel":"a"}`, "bad_request"},
		{"subscribe", `{"client":1,"channel":"a"}`, "bad_request"},
		{"subscribe", `{"client":"x","channel":"a b"}`, "bad_channel"},
		{"subscribe", `{"client":"x","channel":"a","channels":["b"]}`, "bad_request"},
		{"subscribe", `{"client":"x","channels":[` + strings.Repeat(`"a",`, 1000) + `"a"]}`, "limit"},
		{"unsubscribe", `{"user":"x"}`, "bad_request"},
		{"presence", `{}`, "bad_request"},
		{"presence", `{"channel":"a","limit":0}`, "bad_request"},
		{"channels", `{"limit":501}`, "bad_request"},
		{"channels", `{"prefix":1}`, "bad_request"},
		{"channels", `{"after":1}`, "bad_request"},
		{"publish", `{"user":"a","channel":"b","data":1}`, "bad_request"},
		{"publish", `{"user":"","data":1}`, "bad_request"},
		{"publish", `{"user":"a b","data":1}`, "bad_channel"},
	} {
		if status, answer := post(t, s, "/api/"+row.path, row.body); status != http.StatusBadRequest || !matches(`{"type":"error","code":"`+row.code+`",*`, answer) {
			t.Errorf("%s %.80s: %d %s", row.path, row.body, status, answer)
		}
	}
}

func TestListOfChannels(t *testing.T) {
	s := startServer(t, Config{})
	a, b := greet(t, s), greet(t, s)
	a.subscribe("chat:1")
	b.subscribe("chat:1")
	b.subscribe("chat:2")
	post(t, s, "/api/publish", `{"channel":"news","data":1}`)
	for _, row := range []struct{ body, want string }{
		{`{}`, `{"channels":[{"channel":"chat:1","subscribers":2},{"channel":"chat:2","subscribers":1},{"channel":"news","subscribers":0}]}`},
		{`{"prefix":"chat:","limit":1}`, `{"channels":[{"channel":"chat:1","subscribers":2}],"next":"chat:1"}`},
		{`{"prefix":"chat:","limit":1,"after":"chat:1"}`, `{"channels":[{"channel":"chat:2","subscribers":1}]}`},
		{`{"prefix":"x"}`, `{"channels":[]}`},
	} {
		if status, answer := post(t, s, "/api/channels", row.body); status != http.StatusOK || answer != row.want {
			t.Errorf("%s: %d %s", row.body, status, answer)
		}
	}
}
