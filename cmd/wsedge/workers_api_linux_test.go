package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/coder/websocket"
)

// askedAny asks the API of whichever worker, on a connection of its own.
func (p *program) askedAny(key, path, body string, answer any) {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.url+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if body == "" {
		request.Method = http.MethodGet
	}
	request.Header.Set("X-API-Key", key)
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}).Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil {
		err = json.Unmarshal(text, answer)
	}
	if err != nil || response.StatusCode != http.StatusOK {
		p.t.Fatalf("%s: %s: %s, %v", path, response.Status, text, err)
	}
}

// counted is what the API counts.
type counted struct {
	Count, Disconnected int
	Missing             int // how many workers have not answered within the second that they have for it
	Clients             []struct{ Client, User, State string }
	Cluster             struct {
		Connections int
		Nodes       []struct{ Node string }
	}
}

// askedAll is askedAny, until all workers have answered.
func (p *program) askedAll(key, path, body string) (a counted) {
	p.t.Helper()
	p.eventually(path+" is answered by all", func() bool {
		a = counted{}
		p.askedAny(key, path, body, &a)
		return a.Missing == 0
	})
	return a
}

// enter opens so many connections with a token, each of which subscribes to news, and returns them with their clients' ids.
func (p *program) enter(token string, n int) (all []*talk, ids []string) {
	p.t.Helper()
	for range n {
		k, err := p.talk("?token=" + token)
		if err != nil {
			p.t.Fatal(err)
		}
		m, err := k.hear("welcome")
		if err == nil {
			_ = k.say(`{"type":"subscribe","channel":"news"}`)
			_, err = k.hear("subscribed")
		}
		if err != nil {
			p.t.Fatal(err)
		}
		all, ids = append(all, k), append(ids, m.Client)
	}
	return all, ids
}

// wantEnds wants connections to end with a close code.
func wantEnds(t *testing.T, all []*talk, code int) {
	t.Helper()
	for _, k := range all {
		if _, err := k.hear("never"); int(websocket.CloseStatus(err)) != code {
			t.Errorf("ended with %v, want %d", err, code)
		}
	}
}

// wantOpen wants each of the clients to be known as a user's, and open.
func (p *program) wantOpen(key, user string, ids []string) {
	p.t.Helper()
	for _, id := range ids {
		a := p.askedAll(key, "api/why", `{"client":"`+id+`"}`)
		if len(a.Clients) != 1 || a.Clients[0].State != "open" {
			p.t.Errorf("why: %+v", a)
		}
		if a = p.askedAll(key, "api/client", `{"client":"`+id+`"}`); len(a.Clients) != 1 || a.Clients[0].User != user {
			p.t.Errorf("client: %+v", a)
		}
	}
}

// Whichever worker is asked, the API answers for all of them, and acts on all: they are nodes of a cluster over the engine that the supervisor has
// in memory. What is revoked stays so for a worker that is started later.
func TestWorkersAreACluster(t *testing.T) {
	const key = "0123456789abcdef0123"
	dir := t.TempDir()
	secret, keyFile := filepath.Join(dir, "secret"), filepath.Join(dir, "key")
	put(t, secret, []byte(strings.Repeat("s", 40)))
	put(t, keyFile, []byte(key))
	p := startWorkers(t, 3, "--auth-secret-file", secret, "--api-key-file", keyFile, "--flight-recorder")
	token := func(user string) string {
		status, text, stderr := call(nil, "token", "--secret-file", secret, "--user", user, "--ttl", "1h")
		if status != exitOK {
			t.Fatal(stderr)
		}
		return strings.TrimSpace(text)
	}
	old := token("bob")
	ann, ids := p.enter(token("ann"), 12)
	bob, _ := p.enter(token("bob"), 12)
	everywhere := func(what string, of func() int, want int) {
		t.Helper()
		for range 6 {
			p.eventually(fmt.Sprintf("%s: %d", what, want), func() bool { return of() == want })
		}
	}
	present := func() int {
		var a counted
		p.askedAny(key, "api/presence", `{"channel":"news"}`, &a)
		return a.Count
	}
	connected := func() int {
		var a counted
		if p.askedAny(key, "api/info", "", &a); len(a.Cluster.Nodes) != 3 {
			return -1
		}
		return a.Cluster.Connections
	}
	everywhere("present", present, 24)
	everywhere("connected", connected, 24)
	everywhere("subscribers", func() int {
		var a struct{ Channels []struct{ Subscribers int } }
		if p.askedAny(key, "api/channels", `{"prefix":"ne"}`, &a); len(a.Channels) != 1 {
			return -1
		}
		return a.Channels[0].Subscribers
	}, 24)
	p.wantOpen(key, "ann", ids)
	var gone, barred counted
	if p.askedAny(key, "api/disconnect", `{"user":"ann"}`, &gone); gone.Disconnected != 12 && gone.Missing == 0 {
		t.Errorf("disconnected %d", gone.Disconnected)
	}
	wantEnds(t, ann, 3503)
	everywhere("present", present, 12)
	if p.askedAny(key, "api/revoke", `{"user":"bob"}`, &barred); barred.Disconnected != 12 && barred.Missing == 0 {
		t.Errorf("revoked %d", barred.Disconnected)
	}
	wantEnds(t, bob, 3500)
	everywhere("connected", connected, 0)
	p.signal(syscall.SIGUSR2)
	p.eventually("rolled", func() bool { return strings.Contains(p.logged(), "rolling restart ended") })
	for range 9 {
		k, err := p.talk("?token=" + old)
		if err != nil {
			continue // refused with a status
		}
		if m, err := k.hear("welcome"); err == nil {
			t.Errorf("bob is welcome: %+v", m)
		}
	}
	eve, _ := p.enter(token("eve"), 3)
	everywhere("connected", connected, len(eve))
}
