package edge

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/console"
	"github.com/wsedge/wsedge/internal/webhook"
)

// browser is one with the console's page, and what it keeps for that.
type browser struct {
	t      *testing.T
	s      *Server
	cookie string
}

// do is a request as the page makes it, with more header fields; an empty value takes one out.
func (b *browser) do(method, path, body string, header map[string]string) (*http.Response, string) {
	b.t.Helper()
	address := b.s.Addr()
	if b.s.AdminAddr() != nil {
		address = b.s.AdminAddr()
	}
	request, err := http.NewRequestWithContext(b.t.Context(), method, "http://"+address.String()+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	fields := map[string]string{"X-Wsedge-Console": "1", "Cookie": b.cookie, "Origin": "http://" + address.String()}
	maps.Copy(fields, header)
	for name, value := range fields {
		if value != "" {
			request.Header.Set(name, value)
		}
	}
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}).Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer, string(text)
}

func (b *browser) want(status int, method, path, body string, header map[string]string) string {
	b.t.Helper()
	answer, text := b.do(method, path, body, header)
	if answer.StatusCode != status {
		b.t.Errorf("%s %s %.60s: %d %.200s, want %d", method, path, body, answer.StatusCode, text, status)
	}
	return text
}

func (b *browser) login(key string) *http.Cookie {
	b.t.Helper()
	answer, text := b.do("POST", "/console/login", `{"key":"`+key+`"}`, nil)
	cookies := answer.Cookies()
	if answer.StatusCode != 200 || len(cookies) != 1 {
		b.t.Fatalf("login: %d %s %v", answer.StatusCode, text, cookies)
	}
	b.cookie = cookies[0].Name + "=" + cookies[0].Value
	return cookies[0]
}

// watch opens the page's WebSocket on the admin address.
func (b *browser) watch(lines string) *client {
	b.t.Helper()
	conn, err := net.Dial("tcp", b.s.AdminAddr().String())
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { conn.Close() })
	c := &client{t: b.t, conn: conn, config: frame.DecoderConfig{Role: frame.Client, MaxMessageBytes: 4 << 20}}
	request := handshake(b.s, console.SocketPath, lines)
	if b.cookie != "" {
		request = handshake(b.s, console.SocketPath, "Cookie: "+b.cookie+"\r\n"+lines)
	}
	c.write([]byte(strings.Replace(request, b.s.Addr().String(), b.s.AdminAddr().String(), 1)))
	for {
		if head, rest, ok := bytes.Cut(c.unread, []byte("\r\n\r\n")); ok {
			c.head, c.unread = string(head), rest
			return c
		}
		c.read()
	}
}

func consoleConfig() Config {
	cfg := authConfig()
	cfg.AdminAddr = "127.0.0.1:0"
	for name, scopes := range map[string][]auth.Scope{"reader": {auth.ScopeRead}, "editor": {auth.ScopeRead, auth.ScopePublish}, "sender": {auth.ScopePublish}} {
		cfg.Auth.APIKeys = append(cfg.Auth.APIKeys, auth.APIKey{Name: name, Secret: "the key of the " + name, Scopes: scopes})
	}
	cfg.Auth.APIKeys = append(cfg.Auth.APIKeys, auth.APIKey{Name: "part", Secret: "the key of a part", Scopes: []auth.Scope{auth.ScopeAll}, Channels: []string{"chat:"}})
	return cfg
}

func TestConsoleInDevelopment(t *testing.T) {
	if *tlsFlag != "" {
		return // the same code; the browser of the integration tests speaks TLS
	}
	b := &browser{t: t, s: startServer(t, Config{})}
	if page := b.want(200, "GET", "/", "", nil); !strings.Contains(page, "wsedge console") {
		t.Errorf("the page: %.100s", page)
	}
	if session := b.want(200, "GET", "/console/session", "", nil); !strings.Contains(session, `"login":false,"in":true,`) {
		t.Error(session)
	}
	c := greet(t, b.s)
	b.want(200, "POST", "/console/api/publish", `{"channel":"news","data":1}`, nil)
	var stats console.Stats
	if err := json.Unmarshal([]byte(b.want(200, "GET", "/console/stats", "", nil)), &stats); err != nil || stats.Node != b.s.node || stats.Connections != 1 || stats.Channels != 1 ||
		stats.Loops == 0 || len(stats.LagCounts) != len(stats.LagBounds)+1 || stats.Goroutines == 0 || stats.Drops == nil {
		t.Errorf("%+v, %v", stats, err)
	}
	if answer := b.want(200, "POST", "/console/api/client", `{"client":"`+c.id+`"}`, nil); !strings.Contains(answer, c.id) {
		t.Error(answer)
	}
	b.want(403, "POST", "/console/api/publish", `{"channel":"news","data":1}`, map[string]string{"X-Wsedge-Console": ""})
	b.want(403, "POST", "/console/api/publish", `{"channel":"news","data":1}`, map[string]string{"Origin": "https://evil.example"})
	b.want(404, "POST", "/console/login", `{"key":"x"}`, nil)
	b.want(404, "GET", "/console/nothing.js", "", nil)
	if c := dialRaw(t, b.s, handshake(b.s, console.SocketPath, "")); c.status() != "404" {
		t.Errorf("the admin address's WebSocket on the public port: %s", c.head)
	}
}

func TestConsoleLogin(t *testing.T) {
	s := startServer(t, consoleConfig())
	b := &browser{t: t, s: s}
	b.want(200, "GET", "/", "", nil) // the page itself holds nothing
	if session := b.want(200, "GET", "/console/session", "", nil); session != `{"login":true,"in":false}`+"\n" {
		t.Error(session)
	}
	for _, path := range []string{"/console/stats", "/console/api/info", "/console/ws"} {
		b.want(401, "GET", path, "", nil)
		b.want(401, "GET", path, "", map[string]string{"X-API-Key": "the key of the tests"}) // keys are for the API
	}
	for body, status := range map[string]int{
		`{"key":"the key of nobody"}`: 401, `{"key":""}`: 401, `{}`: 401, `{`: 400, `{"key":"` + strings.Repeat("x", 5000) + `"}`: 400,
		`{"key":"the key of the sender"}`: 403, `{"key":"the key of a part"}`: 403,
	} {
		b.want(status, "POST", "/console/login", body, nil)
	}
	b.want(403, "POST", "/console/login", `{"key":"the key of the reader"}`, map[string]string{"X-Wsedge-Console": ""})
	b.want(403, "POST", "/console/login", `{"key":"the key of the reader"}`, map[string]string{"Origin": "https://evil.example"})
	cookie := b.login("the key of the reader")
	if !cookie.HttpOnly || cookie.Secure || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/console/" || len(cookie.Value) != 43 || cookie.MaxAge <= 0 {
		t.Errorf("the cookie: %+v", cookie)
	}
	if session := b.want(200, "GET", "/console/session", "", nil); !strings.Contains(session, `"name":"reader","scopes":["read"],"socket":"/console/ws"`) {
		t.Error(session)
	}
	b.want(200, "GET", "/console/stats", "", nil)
	b.want(200, "POST", "/console/api/channels", `{}`, nil)
	b.want(403, "POST", "/console/api/channels", `{}`, map[string]string{"X-Wsedge-Console": ""})
	b.want(403, "POST", "/console/api/publish", `{"channel":"news","data":1}`, nil)
	b.want(403, "POST", "/console/api/disconnect", `{"user":"ann"}`, nil)
	b.want(403, "POST", "/console/api/batch", `{"commands":[{"method":"publish","params":{"channel":"news","data":1}}]}`, map[string]string{"Origin": "https://evil.example"})
	if answer := b.want(200, "POST", "/console/api/batch", `{"commands":[{"method":"publish","params":{"channel":"news","data":1}}]}`, nil); !strings.Contains(answer, `"status":403`) {
		t.Error(answer)
	}
	other := &browser{t: t, s: s}
	other.login("the key of the tests")
	other.want(200, "POST", "/console/api/publish", `{"channel":"news","data":1}`, nil)
	b.want(200, "POST", "/console/logout", "", nil)
	b.want(401, "GET", "/console/stats", "", nil)
	other.want(200, "GET", "/console/stats", "", nil)
	if status, text := call(t, s, "GET", "/console/session", "", nil); status != 404 {
		t.Errorf("on the public port: %d %s", status, text)
	}
	_, text := fetch(t, "http://"+s.AdminAddr().String()+"/metrics", "")
	for _, line := range []string{`{reason="ok"} 2`, `{reason="unauthorized"} 3`, `{reason="permission_denied"} 2`} {
		if !strings.Contains(text, "wsedge_console_logins_total"+line) {
			t.Errorf("not counted: %s", line)
		}
	}
}

// Guesses are held to the rate that those at the API are held to.
func TestConsoleLoginRate(t *testing.T) {
	cfg := consoleConfig()
	clock := newStillClock()
	cfg.now = clock.Now
	b := &browser{t: t, s: startServer(t, cfg)}
	for range wrongKeyRate * rateSeconds {
		b.want(401, "POST", "/console/login", `{"key":"the key of nobody"}`, nil)
	}
	answer, text := b.do("POST", "/console/login", `{"key":"the key of the reader"}`, nil)
	if answer.StatusCode != 429 || answer.Header.Get("Retry-After") == "" {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
	clock.pass(time.Second)
	b.login("the key of the reader")
	clock.pass(11 * time.Hour)
	b.want(200, "GET", "/console/stats", "", nil)
	clock.pass(time.Hour)
	b.want(401, "GET", "/console/stats", "", nil) // a login is not made longer by use
}

func TestConsoleWatches(t *testing.T) {
	cfg := consoleConfig()
	s := startServer(t, cfg)
	b := &browser{t: t, s: s}
	if c := b.watch(""); c.status() != "401" {
		t.Errorf("without a login: %s", c.head)
	}
	b.login("the key of the reader")
	if c := b.watch("Origin: https://evil.example\r\n"); c.status() != "403" {
		t.Errorf("from a foreign page: %s", c.head)
	}
	c := b.watch("Origin: http://" + s.AdminAddr().String() + "\r\n")
	c.want(`{"type":"welcome",*`)
	c.say(`{"type":"subscribe","id":1,"channel":"news"}`, `{"type":"subscribe","id":2,"channel":"none:x"}`, `{"type":"publish","id":3,"channel":"news","data":1}`)
	c.want(`{"type":"subscribed","id":1,*}`)
	c.want(`{"type":"error","id":2,"channel":"none:x","code":"permission_denied",*}`) // what is nobody's is not the console's
	c.want(`{"type":"error","id":3,*"code":"permission_denied",*}`)                   // a reader does not publish
	call(t, s, "POST", "/api/publish", `{"channel":"news","data":"hello"}`, apiKey)
	c.want(`{"type":"message","channel":"news","data":"hello",*}`)
	b.want(200, "POST", "/console/logout", "", nil)
	c.want(`{"type":"disconnect","code":3503,*}`)

	b.login("the key of the editor")
	c = b.watch("")
	c.want(`{"type":"welcome",*`)
	c.say(`{"type":"publish","id":1,"channel":"news","data":1}`)
	c.want(`{"type":"published",*}`)
	without := *cfg.Auth
	without.APIKeys = without.APIKeys[:1]
	if err := s.ReloadAuth(without); err != nil {
		t.Fatal(err)
	}
	c.want(`{"type":"disconnect","code":3503,*}`)
	b.want(401, "GET", "/console/stats", "", nil)
}

func TestNoConsole(t *testing.T) {
	for _, cfg := range []Config{{NoConsole: true}, {NoConsole: true, AdminAddr: "127.0.0.1:0"}} {
		b := &browser{t: t, s: startServer(t, cfg)}
		for _, path := range []string{"/", "/console/session", "/console/ws"} {
			if *tlsFlag == "" || cfg.AdminAddr != "" {
				b.want(404, "GET", path, "", nil)
			}
		}
	}
}

// Without authentication there is nobody to ask, on the admin address either.
func TestConsoleOnAdminAddressWithoutAuth(t *testing.T) {
	b := &browser{t: t, s: startServer(t, Config{AdminAddr: "127.0.0.1:0"})}
	if session := b.want(200, "GET", "/console/session", "", nil); !strings.Contains(session, `"socket":"/console/ws"`) {
		t.Error(session)
	}
	c := b.watch("")
	c.want(`{"type":"welcome",*`)
}

// Origins are the sites whose pages may use the public port. They may be on the console's own host, at another port, where the browser sends
// the cookie along: that opens the console's socket to none of them.
func TestConsoleSocketIsThePagesOwn(t *testing.T) {
	for _, origins := range [][]string{{"http://127.0.0.1:8000"}, {"*"}} {
		cfg := consoleConfig()
		cfg.Origins = origins
		s := startServer(t, cfg)
		b := &browser{t: t, s: s}
		b.login("the key of the reader")
		if c := b.watch("Origin: http://127.0.0.1:8000\r\n"); c.status() != "403" {
			t.Errorf("with the origins %v, from another page: %s", origins, c.head)
		}
		c := b.watch("Origin: http://" + s.AdminAddr().String() + "\r\n")
		c.want(`{"type":"welcome",*`)
	}
}

// A key that opens less than it did ends the logins made with it, and so what they have opened: the socket has the rights of when it began.
func TestConsoleKeyLosesScope(t *testing.T) {
	cfg := consoleConfig()
	s := startServer(t, cfg)
	rescope := func(scopes ...auth.Scope) {
		t.Helper()
		changed := *cfg.Auth
		changed.APIKeys = slices.Clone(cfg.Auth.APIKeys)
		for i := range changed.APIKeys {
			if changed.APIKeys[i].Name == "editor" {
				changed.APIKeys[i].Scopes = scopes
			}
		}
		if err := s.ReloadAuth(changed); err != nil {
			t.Fatal(err)
		}
	}
	b := &browser{t: t, s: s}
	rescope(auth.ScopeRead)
	b.login("the key of the editor")
	rescope(auth.ScopeRead, auth.ScopePublish) // more does not end it
	b.want(200, "POST", "/console/api/publish", `{"channel":"news","data":1}`, nil)
	c := b.watch("")
	c.want(`{"type":"welcome",*`)
	c.say(`{"type":"publish","id":1,"channel":"news","data":1}`)
	c.want(`{"type":"published",*}`)
	rescope(auth.ScopeRead)
	c.want(`{"type":"disconnect","code":3503,*}`)
	b.want(401, "GET", "/console/stats", "", nil)
}

// Who has logged in is nobody that a backend would know: it is neither asked about the console's clients nor told of them, as it is not of
// what comes by the API.
func TestConsoleWithWebhooks(t *testing.T) {
	backend := startBackend(t)
	cfg := consoleConfig()
	cfg.Webhooks = backend.config(webhook.Connect, webhook.Subscribe, webhook.Publish, webhook.Disconnect)
	b := &browser{t: t, s: startServer(t, cfg)}
	b.login("the key of the editor")
	c := b.watch("")
	c.want(`{"type":"welcome",*`)
	c.say(`{"type":"subscribe","id":1,"channel":"news"}`, `{"type":"publish","id":2,"channel":"news","data":1}`)
	c.want(`{"type":"subscribed","id":1,*}`)
	c.hear()
	c.hear() // the reply and the message, in either order
	b.want(200, "POST", "/console/logout", "", nil)
	c.want(`{"type":"disconnect","code":3503,*}`)
	c.wantClose(3503)
	eventually(t, "the client is gone", func() bool { return b.s.clients.count() == 0 })
	select {
	case q := <-backend.heard:
		t.Errorf("the backend heard %+v", q)
	default:
	}
}
