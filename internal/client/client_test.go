package client

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// answering is a server that answers each request so.
func answering(t *testing.T, status int, header map[string]string, body string) *Client {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for name, value := range header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return dial(t, s.URL)
}

func TestRefusals(t *testing.T) {
	refusal := func(code string) string { return `{"type":"error","code":"` + code + `","message":"why"}` }
	for _, row := range []struct {
		status int
		header map[string]string
		body   string
		want   string // S stands for the server
	}{
		{400, nil, refusal("bad_channel"), "bad_channel: why (HTTP 400)"},
		{401, nil, refusal("unauthorized"), "unauthorized: why (HTTP 401)"},
		{403, nil, refusal("permission_denied"), "permission_denied: why (HTTP 403)"},
		{403, nil, "foreign_host\n", "foreign_host (HTTP 403)"},
		{413, nil, refusal("too_large"), "too_large: why (HTTP 413)"},
		{429, map[string]string{"Retry-After": "2"}, refusal("rate"), "rate: why (HTTP 429); try again in 2s"},
		{503, map[string]string{"Retry-After": "1"}, refusal("unavailable"), "unavailable: why (HTTP 503); try again in 1s"},
		{503, map[string]string{"Retry-After": "soon"}, "shutting_down", "shutting_down (HTTP 503)"},
		{404, nil, "404 page not found\n", "S answers with HTTP 404, and not as wsedge does: is this its address?"},
		{502, nil, "<html>", "S answers with HTTP 502, and not as wsedge does: is this its address?"},
		{200, nil, "{", "S answers with HTTP 200, and not as wsedge does: is this its address?"},
		{200, nil, "", "S answers with HTTP 200, and not as wsedge does: is this its address?"},
		{200, nil, "[1]", "S answers with HTTP 200, and not as wsedge does: is this its address?"},
		{307, map[string]string{"Location": "http://elsewhere/"}, "", `S answers with HTTP 307 to "http://elsewhere/", which is not followed: name the server itself`},
	} {
		c := answering(t, row.status, row.header, row.body)
		_, err := c.Call(t.Context(), "publish", new(Params))
		if want := strings.ReplaceAll(row.want, "S ", c.server+" "); err == nil || err.Error() != want {
			t.Errorf("%d %q: %v", row.status, row.body, err)
		}
	}
}

func TestServersThatDoNotAnswer(t *testing.T) {
	hung := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hung }))
	defer s.Close()
	defer close(hung)
	c := dial(t, s.URL)
	var err error
	u := &Unanswered{}
	for c.timeout = 10 * time.Millisecond; !u.Sent && c.timeout < patience; c.timeout *= 2 { // a slow machine has no connection by then
		if _, err = c.Call(t.Context(), "publish", new(Params)); !errors.As(err, &u) {
			t.Fatal(err)
		}
	}
	if text := err.Error(); !u.Sent || !strings.Contains(text, ": nothing within ") || !strings.HasSuffix(text, "; it may have been carried out all the same") {
		t.Error(err)
	}

	silent, err := net.Listen("tcp", "127.0.0.1:0") // the kernel accepts, and nobody shakes hands
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	c = dial(t, "https://"+silent.Addr().String())
	c.timeout = 10 * time.Millisecond
	_, err = c.Call(t.Context(), "publish", new(Params))
	if u := (*Unanswered)(nil); !errors.As(err, &u) || u.Sent || !strings.HasSuffix(err.Error(), ": nothing within 10ms") {
		t.Error(err)
	}
	c.key = "a\nb"
	if _, err = c.Call(t.Context(), "publish", new(Params)); err == nil || strings.Contains(err.Error(), "carried out") {
		t.Error(err)
	}

	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	secure.Config.ErrorLog = nil
	defer secure.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	for server, want := range map[string]string{
		"http://" + l.Addr().String():                     "connection refused",
		"unix:" + filepath.Join(t.TempDir(), "none.sock"): "no such file",
		strings.Replace(plain.URL, "http:", "https:", 1):  "HTTPS client",
		secure.URL: "certificate",
	} {
		c := dial(t, server)
		_, err := c.Get(t.Context(), "info")
		if u := (*Unanswered)(nil); !errors.As(err, &u) || u.Sent || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "no connection to "+server) {
			t.Errorf("%s: %v", server, err)
		}
	}
}

// The key is for the server alone: it is not carried on to where that points.
func TestKeysDoNotFollowRedirects(t *testing.T) {
	var reached atomic.Bool
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	defer elsewhere.Close()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-API-Key") != "k" {
			t.Error("no key")
		}
		http.Redirect(w, r, elsewhere.URL, http.StatusPermanentRedirect)
	}))
	defer s.Close()
	c, err := New(Config{Server: s.URL, Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Call(t.Context(), "publish", new(Params)); err == nil || reached.Load() {
		t.Errorf("followed; %v", err)
	}
}

func TestAddresses(t *testing.T) {
	for server, base := range map[string]string{
		"": DefaultServer, "http://[::1]:8080/": "http://[::1]:8080", "https://a.example/push/": "https://a.example/push", "unix:/run/w.sock": "http://localhost",
		"a.example:80": "", "ws://a": "", "http://": "", "unix:": "", "unix:@abstract": "", "http://a?x=1": "", "http://me:secret@a": "", "nonsense": "",
	} {
		c, err := New(Config{Server: server})
		switch {
		case base == "" && (err == nil || strings.Contains(err.Error(), "secret")):
			t.Errorf("%q: %v", server, err)
		case base != "" && (err != nil || c.base != base):
			t.Errorf("%q: %+v %v", server, c, err)
		}
	}
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.sock")
	serveEdge(t, edgeConfig("unix:"+path))
	c := dial(t, "unix:"+path)
	if answer, err := c.Get(t.Context(), "info"); err != nil || !strings.Contains(string(answer), `"node"`) {
		t.Errorf("%s %v", answer, err)
	}
	c.publishAll(t, "news", "a")
	r := follow(t, c, Tail{Channels: []string{"news"}, Since: &Since{All: true}})
	r.eventually("a", func() bool { return r.count("a") == 1 })
}

func TestParamsKeepTheirBytes(t *testing.T) {
	got := string(new(Params).Raw("data", []byte(`{ "a" : "<\u0041>" }`)).String("s", "<&>\"é").String("none", "").Int("n", 7).Int("none", 0).
		Flag("f", true).Flag("none", false).List("l", []string{"a", "<"}).List("none", nil).object())
	if want := `{"data":{ "a" : "<\u0041>" },"s":"<&>\"é","n":7,"f":true,"l":["a","<"]}`; got != want {
		t.Error(got)
	}
	if got := string(new(Params).object()); got != "{}" {
		t.Error(got)
	}
}

func TestData(t *testing.T) {
	for _, row := range []struct {
		written string
		text    bool
		want    string
	}{
		{`{"a":1}`, false, `{"a":1}`}, {" 5\n", false, "5"}, {"5", true, `"5"`}, {"hello", false, `"hello"`}, {"{oops", false, `"{oops"`}, {"", false, `""`},
		{"a\nb", false, `"a\nb"`}, {"<é>", false, `"<é>"`}, {"\xff", false, ""}, {"\"\xff\"", false, ""},
	} {
		got, err := Data([]byte(row.written), row.text)
		if string(got) != row.want || (err != nil) != (row.want == "") {
			t.Errorf("%q: %s %v", row.written, got, err)
		}
	}
}
