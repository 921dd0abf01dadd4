package reactor

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// wrapped is a ResponseWriter as middleware makes them.
type wrapped struct {
	http.ResponseWriter
	status int
}

func (w *wrapped) WriteHeader(status int)      { w.status = status; w.ResponseWriter.WriteHeader(status) }
func (w *wrapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func TestUpgradeThroughMiddleware(t *testing.T) {
	s := serveFed(t, Config{Handler: echo})
	statuses := newBox[int]()
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner := &wrapped{ResponseWriter: &wrapped{ResponseWriter: w}}
		s.ServeHTTP(inner, r)
		statuses <- inner.status
	})
	srv := feed(t, h, false)
	c := join(t, srv, "/")
	c.text("through")
	c.wantText("through")
	if got := statuses.take(t); got != 0 {
		t.Errorf("status %d written beside the 101", got)
	}
	resp, err := srv.Client().Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := statuses.take(t); got != 426 || resp.StatusCode != 426 {
		t.Errorf("status %d, client saw %d", got, resp.StatusCode)
	}
}

// opaque hides what the ResponseWriter can do.
type opaque struct{ http.ResponseWriter }

func TestRefusalsByResponseWriter(t *testing.T) {
	s := serveFed(t, Config{Handler: echo, MaxConns: 1})
	mux := http.NewServeMux()
	mux.Handle("/", s)
	mux.HandleFunc("/opaque", func(w http.ResponseWriter, r *http.Request) { s.ServeHTTP(struct{ opaque }{opaque{w}}, r) })
	mux.HandleFunc("/smuggle", func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("X-User", "a\r\nOrigin: http://evil.example")
		s.ServeHTTP(w, r)
	})
	mux.HandleFunc("/colon", func(w http.ResponseWriter, r *http.Request) {
		r.Header["Origin: x"] = []string{"b"}
		s.ServeHTTP(w, r)
	})
	srv := feed(t, mux, false)
	ask := func(request string) (*http.Response, string) {
		c := reach(t, srv)
		defer c.Close()
		c.write([]byte(request))
		resp, err := http.ReadResponse(c.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		if _, err := c.r.ReadByte(); err != io.EOF {
			t.Errorf("%.20q: the connection goes on: %v", request, err)
		}
		return resp, strings.TrimSpace(string(body))
	}
	want := func(what string, resp *http.Response, body string, status int, reason string) {
		t.Helper()
		if resp.StatusCode != status || body != reason || !resp.Close {
			t.Errorf("%s: %d %q, close %v; want %d %q", what, resp.StatusCode, body, resp.Close, status, reason)
		}
	}
	upgrade := func(path string) string { return string(handshakeBytes(path)) }

	resp, body := ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	want("plain", resp, body, 426, "upgrade_required")
	if resp.Header.Get("Upgrade") != "websocket" || resp.Header.Get("Sec-WebSocket-Version") != "13" {
		t.Errorf("426 with %v", resp.Header)
	}
	resp, body = ask(upgrade("/opaque"))
	want("no hijacker", resp, body, 500, "no_hijack")
	resp, body = ask(upgrade("/smuggle"))
	want("line end in a header", resp, body, 400, "control_byte")
	resp, body = ask(upgrade("/colon"))
	want("colon in a name", resp, body, 400, "control_byte")
	if n := s.Stats().Connections; n != 0 {
		t.Fatalf("%d connections counted", n)
	}
	kept := join(t, srv, "/")
	resp, body = ask(upgrade("/"))
	want("full", resp, body, 503, "connection_limit")
	if resp.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	kept.text("kept")
	kept.wantText("kept")
	kept.Close()
	eventually(t, "room", goneFrom(s))
	join(t, srv, "/").Close()
	if got := s.Stats().Refused; got["upgrade_required"] != 1 || got["no_hijack"] != 1 || got["control_byte"] != 2 || got["connection_limit"] != 1 {
		t.Errorf("refusals %v", got)
	}
}

// The loop judges by its own rules what net/http lets through.
func TestRefusalsOfTheLoop(t *testing.T) {
	bothWays(t, func(t *testing.T, secure bool) {
		s := serveFed(t, Config{Handler: echo, Upgrade: func(_ *Conn, r *frame.Request) (Accept, error) {
			if string(r.Path) == "/panic" {
				panic("in upgrade")
			}
			return Accept{}, nil
		}})
		srv := feed(t, s, secure)
		scheme := "http"
		if secure {
			scheme = "https"
		}
		head := string(handshakeBytes("/"))
		with := func(line string) string { return strings.TrimSuffix(head, "\r\n") + line + "\r\n\r\n" }
		for _, row := range []struct{ name, request, status string }{
			{"good", head, "101"},
			{"same origin", with("Origin: " + scheme + "://example.org"), "101"},
			{"foreign origin", with("Origin: http://foe.example"), "403"},
			{"two origins", with("Origin: http://a\r\nOrigin: http://a"), "403"},
			{"version", strings.Replace(head, "Version: 13", "Version: 8", 1), "426"},
			{"no key", strings.Replace(head, "Sec-WebSocket-Key", "X-Key", 1), "400"},
			{"post", strings.Replace(head, "GET", "POST", 1), "405"},
			{"body", with("Content-Length: 5") + "hello", "400"},
			{"chunked", with("Transfer-Encoding: chunked") + "0\r\n\r\n", "400"},
			{"expect", with("Expect: 100-continue"), "417"},
			{"many headers", with(strings.Repeat("X-A: b\r\n", 100) + "X: y"), "431"},
			{"HTTP/1.0", strings.Replace(head, "HTTP/1.1", "HTTP/1.0", 1), "505"},
			{"panic", strings.Replace(head, "GET / ", "GET /panic ", 1), "500"},
		} {
			c := reach(t, srv)
			c.write([]byte(row.request))
			if got := string(c.head()); !strings.HasPrefix(got, "HTTP/1.1 "+row.status+" ") {
				t.Errorf("%s: %q, want %s", row.name, got, row.status)
			}
			c.Close()
		}
		eventually(t, "nothing left", goneFrom(s))
	})
}

func TestHTTP2IsRefused(t *testing.T) {
	s := serveFed(t, Config{Handler: echo})
	srv := httptest.NewUnstartedServer(s)
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	resp, err := srv.Client().Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.ProtoMajor != 2 || resp.StatusCode != 505 || string(body) != "http_version\n" {
		t.Errorf("%s %d %q", resp.Proto, resp.StatusCode, body)
	}
}

func TestServeHTTPOutOfTurn(t *testing.T) {
	s := prepareOn(t, "", Config{Handler: echo})
	srv := feed(t, s, false)
	ask := func() int {
		c := reach(t, srv)
		defer c.Close()
		c.write(handshakeBytes("/"))
		resp, err := http.ReadResponse(c.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode
	}
	if got := ask(); got != 503 {
		t.Errorf("before Start: %d", got)
	}
	if s.Addr() != nil {
		t.Errorf("Addr %v", s.Addr())
	}
	start(t, s)
	if got := ask(); got != 101 {
		t.Errorf("started: %d", got)
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := ask(); got != 503 {
		t.Errorf("after Shutdown: %d", got)
	}
	if err := s.Wait(); err != nil {
		t.Errorf("Wait: %v", err)
	}
}

// After an end that nobody asked for, requests are refused, not lost.
func TestServeHTTPAfterTheEngineHasStopped(t *testing.T) {
	s := prepare(t, Config{Handler: echo})
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	srv := feed(t, s, false)
	kept := join(t, srv, "/")
	s.awaitReady()
	ctx, cancel := context.WithCancel(context.Background())
	go func() { _ = s.engine.Stop(ctx) }() // not by us
	if err := s.Wait(); !errors.Is(err, ErrEngineStopped) {
		t.Errorf("Wait: %v", err)
	}
	cancel()
	if _, err := kept.r.ReadByte(); err == nil {
		t.Error("the connection is still there")
	}
	c := reach(t, srv)
	c.write(handshakeBytes("/"))
	if resp := c.response("GET"); resp.StatusCode != 503 {
		t.Errorf("%d, want 503", resp.StatusCode)
	}
	if n := s.Stats().Connections; n != 0 {
		t.Errorf("%d places", n)
	}
}

// Who cannot be given to any loop is told so, over TCP and over a Unix socket.
func TestRefusalWhereNoLoopTakes(t *testing.T) {
	for network, addr := range map[string]string{"tcp": "127.0.0.1:0", "unix": t.TempDir() + "/s"} {
		s := serveFed(t, Config{Handler: echo})
		l, err := net.Listen(network, addr)
		if err != nil {
			t.Fatal(err)
		}
		hs := &http.Server{Handler: s}
		go func() { _ = hs.Serve(l) }()
		defer hs.Close()
		s.enrolling.close()
		conn, err := net.Dial(network, l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(patience))
		_, _ = conn.Write(handshakeBytes("/"))
		if answer, err := io.ReadAll(conn); !strings.HasPrefix(string(answer), "HTTP/1.1 5") {
			t.Errorf("%s: answer %q, %v", network, answer, err)
		}
	}
}

// net/http looks for CloseWrite on the connections that it has been handed.
func TestHandedOverConnectionsHalfClose(t *testing.T) {
	if _, ok := any(&httpConn{}).(interface{ CloseWrite() error }); !ok {
		t.Error("no CloseWrite")
	}
}
