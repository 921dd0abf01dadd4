package edge

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/webhook"
)

func TestConnectHook(t *testing.T) {
	b := startBackend(t)
	cfg := b.config(webhook.Connect, webhook.Disconnect)
	cfg.Headers = []string{"cookie"}
	s := startServer(t, Config{Webhooks: cfg})
	c := dial(t, s, "/ws?token=t%26t", "Cookie: a=b\r\n")
	c.say(`{"type":"ping","id":1}`, `{"type":"subscribe","id":2,"channel":"own"}`)
	q := b.asked(webhook.Connect)
	if q.Token != "t&t" || q.Address != "127.0.0.1" || q.Headers["cookie"][0] != "a=b" || q.Dialect != "wsedge.v1" || q.Node != s.node || q.Client == "" {
		t.Fatalf("asked %+v", q)
	}
	q.say <- `{"allow":true,"user":"ann \"x\"","info":{"n":1},"channels":["given"]}`
	c.want(`{"type":"welcome","client":"` + q.Client + `","user":"ann \"x\"","ping":0,"node":"*"}`)
	c.want(`{"type":"subscribed","channel":"given","epoch":"*","offset":0}`)
	c.want(`{"type":"pong","id":1}`)
	c.want(`{"type":"subscribed","id":2,"channel":"own","epoch":"*","offset":0}`)
	post(t, s, "/api/publish", `{"channel":"given","data":1}`)
	c.want(`{"type":"message","channel":"given","data":1,"offset":1}`)
	c.conn.Close()
	ended := b.agree(webhook.Disconnect)
	if len(ended.Clients) != 1 || ended.Clients[0].Client != q.Client || ended.Clients[0].User != `ann "x"` || ended.Clients[0].Code != 1006 {
		t.Fatalf("told %+v", ended)
	}
}

func TestBearerTokenOfAHandshake(t *testing.T) {
	b := startBackend(t)
	s := startServer(t, Config{Webhooks: b.config(webhook.Connect)})
	dial(t, s, "/ws", "Authorization: bearer  abc\r\n")
	if q := b.agree(webhook.Connect); q.Token != "abc" || q.Headers != nil {
		t.Fatalf("asked %+v", q)
	}
}

func TestConnectRefused(t *testing.T) {
	b := startBackend(t)
	s := startServer(t, Config{Webhooks: b.config(webhook.Connect, webhook.Disconnect)})
	c := dial(t, s, "/ws", "")
	c.say(`{"type":"subscribe","id":1,"channel":"a"}`)
	b.asked(webhook.Connect).say <- `{"allow":false,"code":"banned","message":"not \"you\""}`
	c.want(`{"type":"error","code":"banned","message":"not \"you\""}`)
	c.want(`{"type":"disconnect","code":3507,"reason":"banned"}`)
	c.wantClose(3507)

	raw := dial(t, s, "/ws/raw?channel=a", "")
	b.asked(webhook.Connect).say <- `{"allow":false}`
	raw.wantClose(1008)
	select {
	case q := <-b.heard:
		t.Fatalf("the backend is told of clients that it refused: %+v", q)
	default:
	}
}

func TestBackendThatFails(t *testing.T) {
	b := startBackend(t)
	b.server.Close()
	s := startServer(t, Config{Webhooks: b.config(webhook.Connect)})
	c := dial(t, s, "/ws", "")
	c.want(`{"type":"error","code":"unavailable","message":"try again later"}`)
	c.want(`{"type":"disconnect","code":1013,"reason":"unavailable","retry_after_ms":*}`)
	c.wantClose(1013)
	dial(t, s, "/ws/raw?channel=a", "").wantClose(1013)

	cfg := b.config(webhook.Connect, webhook.Subscribe, webhook.Publish)
	cfg.OnFailure.Allow = webhook.Events{webhook.Connect, webhook.Subscribe}
	s = startServer(t, Config{Webhooks: cfg})
	c = greet(t, s)
	c.subscribe("a")
	for range 20 { // beyond what opens the circuit
		c.say(`{"type":"publish","id":1,"channel":"a","data":1}`)
		c.want(`{"type":"error","id":1,"channel":"a","code":"unavailable","message":"try again later"}`)
	}
	_, text := call(t, s, "GET", "/metrics", "", nil)
	for _, want := range []string{
		`wsedge_webhook_requests_total{event="publish",outcome="failed"} 20`, `wsedge_webhook_requests_total{event="connect",outcome="failed"} 1`,
		"wsedge_webhook_circuit_open 1", `wsedge_webhook_failures_total{reason="network"}`, `wsedge_webhook_failures_total{reason="circuit_open"}`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing in %s", want, text)
		}
	}
}

// TestCommandsKeepTheirOrderBehindAHook has commands of all kinds behind one that the backend is slow to decide on.
func TestCommandsKeepTheirOrderBehindAHook(t *testing.T) {
	b := startBackend(t)
	s := startServer(t, Config{Webhooks: b.config(webhook.Subscribe, webhook.Publish)})
	c := greet(t, s)
	c.say(`{"type":"subscribe","id":1,"channels":["a","b","a"]}`, `{"type":"publish","id":2,"channel":"x","data":[1]}`,
		`{"type":"ping","id":3}`, `{broken`, `{"type":"unsubscribe","id":4,"channel":"b"}`, `{"type":"publish","id":5,"channel":"x","data":2}`)
	var questions []*question
	for range 5 {
		q := <-b.heard
		questions = append(questions, q)
	}
	for _, q := range questions { // in whatever order they came
		switch q.Channel + string(q.Data) {
		case "b":
			q.say <- `{"allow":false,"code":"members_only"}`
		default:
			q.say <- yes
		}
	}
	c.want(`{"type":"subscribed","id":1,"channel":"a","epoch":"*","offset":0}`)
	c.want(`{"type":"error","id":1,"channel":"b","code":"members_only","message":"the backend refused"}`)
	c.want(`{"type":"error","id":1,"channel":"a","code":"already_subscribed",*}`)
	c.want(`{"type":"published","id":2,"channel":"x","offset":1}`)
	c.want(`{"type":"pong","id":3}`)
	c.want(`{"type":"error","code":"bad_json",*}`)
	c.want(`{"type":"error","id":4,"channel":"b","code":"not_subscribed",*}`)
	c.want(`{"type":"published","id":5,"channel":"x","offset":2}`)
	c.idle()
}

func TestRawClientsAreAskedAbout(t *testing.T) {
	b := startBackend(t)
	s := startServer(t, Config{Webhooks: b.config(webhook.Connect, webhook.Subscribe, webhook.Disconnect)})
	c := dial(t, s, "/ws/raw?channel=a&channel=b&token=x", "")
	b.asked(webhook.Connect).say <- `{"allow":true,"user":"ann","channels":["b","c"]}`
	if q := b.agree(webhook.Subscribe); q.Channel != "a" || q.User != "ann" || q.Dialect != "raw" {
		t.Fatalf("asked %+v", q)
	}
	for name := range strings.SplitSeq("abc", "") {
		waitForSubscriber(t, s, name)
		post(t, s, "/api/publish", `{"channel":"`+name+`","data":"`+name+`"}`)
		if got := c.hear(); got != `"`+name+`"` {
			t.Fatalf("heard %s", got)
		}
	}
	c.conn.Close()
	b.agree(webhook.Disconnect)

	c = dial(t, s, "/ws/raw?channel=a&channel=b", "")
	b.agree(webhook.Connect)
	b.agree(webhook.Subscribe)
	b.asked(webhook.Subscribe).say <- `{"allow":false}`
	c.wantClose(1008)
	if q := b.agree(webhook.Disconnect); q.Clients[0].Code != 1008 || q.Clients[0].Reason != "permission_denied" {
		t.Fatalf("told %+v", q)
	}
}

// TestClientsThatGoWhileAsked has clients go at every stage: the backend is told of each that it may believe to be there, once.
func TestClientsThatGoWhileAsked(t *testing.T) {
	b := startBackend(t)
	s := startServer(t, Config{Webhooks: b.config(webhook.Connect, webhook.Subscribe, webhook.Publish, webhook.Disconnect)})
	const each = 10
	want := map[string]bool{} // of whom the backend is to be told
	told := func(q *question) {
		for _, ended := range q.Clients {
			if !want[ended.Client] {
				t.Fatalf("told of %s, twice or wrongly", ended.Client)
			}
			delete(want, ended.Client)
		}
		q.say <- yes
	}
	asked := func() *question { // meanwhile it may be told of those before
		q := b.next()
		for ; q.Event == webhook.Disconnect.String(); q = b.next() {
			told(q)
		}
		return q
	}
	for i := range each {
		c := dial(t, s, "/ws", "")
		q := asked()
		if i%2 == 0 {
			c.conn.Close() // while connect is under way
			waitForClients(t, s, 0)
			want[q.Client] = true
			q.say <- yes
			continue
		}
		q.say <- yes
		c.hear()
		c.say(`{"type":"subscribe","channels":["a","b"]}`, `{"type":"publish","channel":"a","data":1}`, `{"type":"ping"}`)
		questions := []*question{asked(), asked(), asked()}
		want[q.Client] = true
		c.conn.Close()
		waitForClients(t, s, 0)
		for _, q := range questions {
			q.say <- yes
		}
	}
	for len(want) > 0 {
		told(b.asked(webhook.Disconnect))
	}
	if ch, err := s.hub.Acquire("a"); err != nil || ch.Topic().Subscribers() != 0 {
		t.Fatalf("a client that went is subscribed: %v", err)
	} else {
		ch.Release()
	}
}

func TestClientThatSendsOnBehindAHook(t *testing.T) {
	b := startBackend(t)
	s := startServer(t, Config{Webhooks: b.config(webhook.Publish)})
	c := greet(t, s)
	c.say(`{"type":"publish","channel":"a","data":1}`)
	for range maxTurns {
		c.say(`{"type":"ping"}`)
	}
	c.want(`{"type":"disconnect","code":3013,"reason":"limit","retry_after_ms":*}`)
	c.wantClose(3013)

	c = greet(t, s)
	large := `{"type":"publish","channel":"a","data":"` + strings.Repeat("x", 60<<10) + `"}`
	c.say(large, large, large, large, large)
	c.want(`{"type":"disconnect","code":3013,"reason":"limit","retry_after_ms":*}`)
	c.wantClose(3013)
	if _, text := call(t, s, "GET", "/metrics", "", nil); !strings.Contains(text, "\nwsedge_webhook_overruns_total 2\n") {
		t.Errorf("not counted: %s", text)
	}
}

// TestQuestionsOfOneClientAreBounded counts what one client has under way.
func TestQuestionsOfOneClientAreBounded(t *testing.T) {
	b := startBackend(t)
	s := startServer(t, Config{Webhooks: b.config(webhook.Publish)})
	c := greet(t, s)
	const publications = 100
	for i := range publications {
		c.say(fmt.Sprintf(`{"type":"publish","id":%d,"channel":"a","data":1}`, i))
	}
	for i := range publications {
		if under := s.hooks.Stats().Asking; under > maxAsked {
			t.Fatalf("%d questions are under way", under)
		}
		b.agree(webhook.Publish)
		if i >= maxAsked {
			continue // replies come in their order, questions need not
		}
	}
	for i := range publications {
		c.want(fmt.Sprintf(`{"type":"published","id":%d,"channel":"a","offset":%d}`, i, i+1))
	}
}

// TestShutdownTellsOfTheLast has clients that a shutdown closes told of before it is over.
func TestShutdownTellsOfTheLast(t *testing.T) {
	var mu sync.Mutex
	told := map[string]bool{}
	answer := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var q question
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, ended := range q.Clients {
			told[ended.Client] = ended.Code == 3001 && ended.Reason == "shutdown"
		}
	}))
	defer answer.Close()
	b := &backend{server: answer}
	s := startServer(t, Config{Webhooks: b.config(webhook.Disconnect)})
	ids := map[string]bool{}
	var clients []*client
	for range 20 {
		c := greet(t, s)
		ids[c.id] = true
		clients = append(clients, c)
	}
	done := make(chan error)
	go func() { done <- s.Shutdown(t.Context()) }()
	for _, c := range clients {
		c.want(`{"type":"disconnect","code":3001,*}`)
		c.wantClose(3001)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := s.Wait(); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	for id := range ids {
		if !told[id] {
			t.Errorf("the backend has not been told well of %s", id)
		}
	}
}

// TestNobodyWaitsForAnotherClientsHook has one loop only.
func TestNobodyWaitsForAnotherClientsHook(t *testing.T) {
	b := startBackend(t)
	s := startServer(t, Config{Loops: 1, Webhooks: b.config(webhook.Publish)})
	slow, other := greet(t, s), greet(t, s)
	slow.say(`{"type":"publish","channel":"a","data":1}`)
	q := b.asked(webhook.Publish)
	other.subscribe("a")
	other.idle()
	q.say <- yes
	slow.want(`{"type":"published","channel":"a","offset":1}`)
	other.want(`{"type":"message","channel":"a","data":1,"offset":1,*}`)
}

func TestShutdownWhileAsked(t *testing.T) {
	b := startBackend(t)
	s := startServer(t, Config{Webhooks: b.config(webhook.Connect)})
	c := dial(t, s, "/ws", "")
	raw := dial(t, s, "/ws/raw?channel=a", "")
	b.asked(webhook.Connect)
	b.asked(webhook.Connect)
	done := make(chan error)
	go func() { done <- s.Shutdown(t.Context()) }()
	c.want(`{"type":"disconnect","code":3001,*}`)
	c.wantClose(3001)
	raw.wantClose(1012)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// TestVisitorsAreSmall holds the sums of the comments.
func TestVisitorsAreSmall(t *testing.T) {
	if size := unsafe.Sizeof(visitor{}); size > 128 {
		t.Errorf("a visitor has %d B", size)
	}
	if size := unsafe.Sizeof(session{}); size > 64 {
		t.Errorf("a session has %d B", size)
	}
}

func TestWebhooksOfABadConfiguration(t *testing.T) {
	_, err := Listen(Config{Addr: "127.0.0.1:0", ChannelsPerConn: -1, Webhooks: &webhook.Config{URL: "ftp://x"}})
	for _, want := range []string{"webhook URL", "webhook events", "webhook secret", "channels per connection"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not told: %v", want, err)
		}
	}
}

// Whom the backend has let in is seen among the members by the name that it gave, as with a token.
func TestMembersAreWhoTheBackendSays(t *testing.T) {
	b := startBackend(t)
	namespaces := channel.Open()
	namespaces.Default.Members = true
	s := startServer(t, Config{Namespaces: namespaces, Webhooks: b.config(webhook.Connect)})
	c := dial(t, s, "/ws", "")
	b.asked(webhook.Connect).say <- `{"allow":true,"user":"ann","info":{"name":"Ann"},"channels":["room"]}`
	c.want(`{"type":"welcome",*"user":"ann"*}`)
	c.want(`{"type":"subscribed","channel":"room",*}`)
	dial(t, s, "/ws/raw?channel=room", "")
	b.asked(webhook.Connect).say <- `{"allow":true,"user":"bob"}`
	want := `{"channel":"room","count":2,"clients":[{"client":"*","user":"ann","info":{"name":"Ann"}},{"client":"*","user":"bob"}]}`
	eventually(t, "both are members", func() bool {
		_, answer := post(t, s, "/api/presence", `{"channel":"room"}`)
		return matches(want, answer)
	})
}

// Where the backend says who clients are, a personal channel is that user's alone.
func TestPersonalChannelsOfWhoTheBackendSays(t *testing.T) {
	b := startBackend(t)
	s := startServer(t, Config{Webhooks: b.config(webhook.Connect)})
	enter := func(path, user string) *client {
		c := dial(t, s, path, "")
		b.asked(webhook.Connect).say <- `{"allow":true,"user":"` + user + `"}`
		return c
	}
	c := enter("/ws", "ann")
	c.want(`{"type":"welcome",*}`)
	c.say(`{"type":"subscribe","id":1,"channels":["user#ann","user#bob","user#"]}`)
	c.want(`{"type":"subscribed","id":1,"channel":"user#ann",*}`)
	c.want(`{"type":"error","id":1,"channel":"user#bob","code":"permission_denied",*}`)
	c.want(`{"type":"error","id":1,"channel":"user#","code":"permission_denied",*}`)
	nobody := enter("/ws", "")
	nobody.want(`{"type":"welcome",*}`)
	nobody.say(`{"type":"subscribe","id":1,"channel":"user#ann"}`)
	nobody.want(`{"type":"error","id":1,"channel":"user#ann","code":"permission_denied",*}`)
	enter("/ws/raw?channel=user%23ann", "bob").wantClose(1008)
	raw := enter("/ws/raw?channel=user%23bob", "bob")
	eventually(t, "bob is subscribed", func() bool {
		_, answer := post(t, s, "/api/publish", `{"user":"bob","data":1}`)
		return strings.Contains(answer, `"matched":1}`)
	})
	raw.want("1")
}

// Where a backend decides who may be in a channel, nobody else reads its history, or sees who is there, whatever the namespace says.
func TestWhoTheBackendKeepsOutDoesNotRead(t *testing.T) {
	b := startBackend(t)
	cfg := authConfig()
	cfg.Auth.Anonymous, cfg.Webhooks, cfg.Namespaces = true, b.config(webhook.Subscribe), keeping(10, nil)
	s := startServer(t, cfg)
	if status, answer := call(t, s, "POST", "/api/publish", `{"channel":"chat:1","data":"secret"}`, apiKey); status != 200 {
		t.Fatal(answer)
	}
	c := greet(t, s)
	ask := func(name, history, presence string) {
		t.Helper()
		c.say(`{"type":"history","id":1,"channel":"` + name + `"}`)
		c.want(history)
		c.say(`{"type":"presence","id":2,"channel":"` + name + `"}`)
		c.want(presence)
	}
	const denied, secret, count = `{"type":"error","id":*,"code":"permission_denied",*}`, `{"type":"history",*"secret"*}`, `{"type":"presence",*"count":*}`
	ask("chat:1", denied, denied)
	c.say(`{"type":"subscribe","id":3,"channel":"chat:1"}`)
	b.asked(webhook.Subscribe).say <- `{"allow":false}`
	c.want(`{"type":"error","id":3,*"permission_denied"*}`)
	ask("chat:1", denied, denied)
	c.say(`{"type":"subscribe","id":3,"channel":"chat:1"}`)
	b.agree(webhook.Subscribe)
	c.want(`{"type":"subscribed","id":3,*}`)
	ask("chat:1", secret, count)

	c = greet(t, s)
	c.say(`{"type":"subscribe","id":3,"channel":"chat:*"}`)
	b.agree(webhook.Subscribe)
	c.want(`{"type":"subscribed","id":3,*}`)
	ask("chat:1", secret, count)

	c = greetWith(t, s, mint(t, time.Now(), map[string]any{"grants": []any{map[string]any{"channel": "chat:*", "allow": []string{"history"}}}}))
	ask("chat:1", secret, denied)
}
