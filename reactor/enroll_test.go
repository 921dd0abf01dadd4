package reactor

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/wsedge/wsedge/frame"
)

// feed runs a net/http server with the handler, plain or TLS, for the test.
func feed(t testing.TB, h http.Handler, secure bool) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	if secure {
		srv.StartTLS()
	} else {
		srv.Start()
	}
	t.Cleanup(srv.Close)
	return srv
}

// feedWrapped is feed with connections that are no plain sockets.
func feedWrapped(t testing.TB, h http.Handler) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Listener = halflessListener{srv.Listener}
	srv.Start()
	t.Cleanup(srv.Close)
	return srv
}

// reach opens a connection to a net/http server and sends nothing.
func reach(t testing.TB, srv *httptest.Server) *client {
	t.Helper()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if srv.TLS != nil {
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return wrap(t, conn)
}

// join opens a WebSocket by a net/http server.
func join(t testing.TB, srv *httptest.Server, path string) *client {
	t.Helper()
	c := reach(t, srv)
	c.write(handshakeBytes(path))
	c.wantSwitch()
	return c
}

// bothWays runs a test over plain sockets, and over TLS.
func bothWays(t *testing.T, test func(t *testing.T, secure bool)) {
	t.Run("plain", func(t *testing.T) { test(t, false) })
	t.Run("TLS", func(t *testing.T) { test(t, true) })
}

// goneFrom tells whether the server has no connection left.
func goneFrom(s *Server) func() bool {
	return func() bool {
		st := s.Stats()
		return st.Connections == 0 && st.Open == 0 && st.Bridged == 0 && st.HTTP == 0
	}
}

func TestUpgradeFromRouters(t *testing.T) {
	mux := func(s *Server) http.Handler {
		m := http.NewServeMux()
		m.Handle("GET /rooms/{room}/ws", s)
		return m
	}
	chiRouter := func(s *Server) http.Handler {
		r := chi.NewRouter()
		r.Route("/rooms/{room}", func(r chi.Router) { r.Method(http.MethodGet, "/ws", s) })
		return r
	}
	for name, router := range map[string]func(*Server) http.Handler{"mux": mux, "chi": chiRouter} {
		t.Run(name, func(t *testing.T) {
			bothWays(t, func(t *testing.T, secure bool) {
				paths := newBox[string]()
				s := serveFed(t, Config{Handler: echo, Upgrade: func(c *Conn, r *frame.Request) (Accept, error) {
					paths <- string(r.Path)
					return Accept{}, nil
				}})
				srv := feed(t, router(s), secure)
				c := join(t, srv, "/rooms/blue/ws?x=1")
				for _, payload := range []string{"", "x", strings.Repeat("y", 60_000)} {
					c.text(payload)
					c.wantText(payload)
				}
				if got := paths.take(t); got != "/rooms/blue/ws" {
					t.Errorf("path %q", got)
				}
				c.send(frame.OpClose, "\x03\xe8bye")
				c.want(frame.OpClose, "\x03\xe8")
				c.wantEOF()
				c.Close()
				eventually(t, "nothing left", goneFrom(s))
			})
		})
	}
}

// What stands behind the handshake in the same segment are frames; 101, OnOpen's and the answers leave together.
func TestEagerFramesThroughNetHTTP(t *testing.T) {
	bothWays(t, func(t *testing.T, secure bool) {
		s := serveFed(t, Config{Handler: funcs{
			open:    func(c *Conn) { _ = c.Send(frame.OpText, []byte("welcome")) },
			message: echo.message,
		}})
		srv := feed(t, s, secure)
		c := reach(t, srv)
		in := handshakeBytes("/")
		for i := range 300 { // more than net/http's buffer of 4 KiB
			in = frame.AppendMaskedFrame(in, frame.OpText, fmt.Appendf(nil, "eager %d", i), [4]byte{1, 2, 3, 4})
		}
		c.write(in)
		c.wantSwitch()
		c.wantText("welcome")
		for i := range 300 {
			c.wantText(fmt.Sprintf("eager %d", i))
		}
		if n := s.Stats().Sends; n > 20 {
			t.Errorf("%d sends: answers of one turn should leave in one", n)
		}
	})
}

func TestAnswerAndWelcomeLeaveInOneWrite(t *testing.T) {
	s := serveFed(t, Config{Handler: funcs{open: func(c *Conn) {
		_ = c.Send(frame.OpText, []byte("one"))
		_ = c.Send(frame.OpText, []byte("two"))
	}}})
	c := join(t, feed(t, s, false), "/")
	c.wantText("one")
	c.wantText("two")
	if n := s.Stats().Sends; n != 1 {
		t.Errorf("%d sends, want 1", n)
	}
}

func TestUpgradeCutAtEveryByteThroughNetHTTP(t *testing.T) {
	s := serveFed(t, Config{Handler: echo})
	srv := feed(t, s, false)
	in := handshakeBytes("/some/path?q=1")
	in = frame.AppendMaskedFrame(in, frame.OpText, []byte("grüße"), [4]byte{1, 2, 3, 4})
	for cut := 1; cut < len(in); cut++ {
		c := reach(t, srv)
		c.write(in[:cut])
		runtime.Gosched()
		c.write(in[cut:])
		c.wantSwitch()
		c.wantText("grüße")
		c.Close()
	}
	eventually(t, "nothing left", goneFrom(s))
}

type ctxKey struct{}

// Middleware's values reach the conn by Request, which is nil at any other time.
func TestRequestDuringUpgrade(t *testing.T) {
	bothWays(t, func(t *testing.T, secure bool) {
		contexts, later := newBox[any](), newBox[*http.Request]()
		var s *Server
		s = serveFed(t, Config{
			Handler: funcs{
				open:    func(c *Conn) { contexts <- c.Context(); later <- c.Request() },
				message: func(c *Conn, _ frame.Opcode, _ []byte) { later <- c.Request() },
				close:   func(c *Conn, _ End) { later <- c.Request() },
			},
			Upgrade: func(c *Conn, r *frame.Request) (Accept, error) {
				req := c.Request()
				if req == nil || (req.TLS != nil) != secure || req.RemoteAddr != c.RemoteAddr().String() {
					return Accept{}, &frame.HandshakeError{Status: 418, Reason: "no_request"}
				}
				return Accept{Context: req.Context().Value(ctxKey{})}, nil
			},
		})
		user := func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), ctxKey{}, "ada")))
			})
		}
		c := join(t, feed(t, user(s), secure), "/")
		if got := contexts.take(t); got != "ada" {
			t.Errorf("context %v", got)
		}
		c.text("x")
		c.send(frame.OpClose, "")
		for range 3 {
			if r := later.take(t); r != nil {
				t.Error("Request is kept")
			}
		}
		c.want(frame.OpClose, "")
	})
}

func TestRequestIsNilOnOwnListener(t *testing.T) {
	got := newBox[*http.Request]()
	s := serve(t, Config{Handler: echo, Upgrade: func(c *Conn, _ *frame.Request) (Accept, error) {
		got <- c.Request()
		return Accept{}, nil
	}})
	dial(t, s, "/")
	if r := got.take(t); r != nil {
		t.Errorf("got %v", r)
	}
}

// collected reports when x has been collected.
func collected(x *http.Request) func() bool {
	var mu sync.Mutex
	gone := false
	runtime.AddCleanup(x, func(struct{}) { mu.Lock(); gone = true; mu.Unlock() }, struct{}{})
	return func() bool {
		runtime.GC()
		mu.Lock()
		defer mu.Unlock()
		return gone
	}
}

// Neither the loop nor the engine keeps the request while the conn lives.
func TestRequestIsNotRetained(t *testing.T) {
	checks := newBox[func() bool]()
	s := serveFed(t, Config{Handler: echo})
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		clone := r.Clone(r.Context())
		checks <- collected(clone)
		s.ServeHTTP(w, clone)
	})
	c := join(t, feed(t, h, false), "/")
	eventually(t, "request collected", checks.take(t))
	c.text("alive")
	c.wantText("alive")
}

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

func TestShutdownClosesEnrolledConns(t *testing.T) {
	bothWays(t, func(t *testing.T, secure bool) {
		s := serveFed(t, Config{Handler: echo, OnDrain: func(c *Conn) { _ = c.Send(frame.OpText, []byte("last word")) }})
		srv := feed(t, s, secure)
		var clients []*client
		for range 10 {
			clients = append(clients, join(t, srv, "/"))
		}
		done := make(chan error)
		go func() { done <- s.Shutdown(context.Background()) }()
		for _, c := range clients {
			c.wantText("last word")
			c.wantClose(1001, "shutdown")
			c.Close()
		}
		if err := <-done; err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
}

// A Shutdown whose time is up leaves no bridge behind.
func TestShutdownCutsBridges(t *testing.T) {
	s := serveFed(t, Config{Handler: echo, CloseTimeout: time.Hour, LingerTimeout: time.Hour})
	c := join(t, feed(t, s, true), "/") // never answers the close frame
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Shutdown(ctx) }()
	c.want(frame.OpClose, "\x03\xe9shutdown")
	cancel()
	if err := <-done; err != context.Canceled {
		t.Errorf("Shutdown: %v", err)
	}
	eventually(t, "nothing left", goneFrom(s))
}

// The conns are spread over all loops, and a loop that has never accepted anything can have some.
func TestEnrolledConnsAreSpread(t *testing.T) {
	for _, listens := range []bool{false, true} {
		var s *Server
		if listens {
			s = serve(t, Config{Handler: echo, Loops: 4})
		} else {
			s = serveFed(t, Config{Handler: echo, Loops: 4})
		}
		if n := s.Stats().LoopsRunning; n != 4 {
			t.Errorf("%d loops known, want 4", n)
		}
		srv := feed(t, s, false)
		for range 40 {
			join(t, srv, "/")
		}
		for _, l := range s.knownLoops() {
			if n := l.stats.open.Load(); n != 10 {
				t.Errorf("%d conns on loop %d, want 10", n, l.idx)
			}
		}
	}
}

func TestUpgradeOverUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := serveFed(t, Config{Handler: echo})
	srv := &http.Server{Handler: s}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { srv.Close() })
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := wrap(t, conn)
	c.write(handshakeBytes("/"))
	c.wantSwitch()
	c.text("local")
	c.wantText("local")
	if n := s.Stats().Bridged; n != 0 {
		t.Error("bridged")
	}
}

// Over a link-local address, which has a zone, the peer's address is whole.
func TestZoneOfThePeer(t *testing.T) {
	addr := linkLocal()
	if addr == nil {
		t.Log("this machine has no link-local address: nothing to see")
		return
	}
	l, err := net.ListenTCP("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	ended := newBox[End]()
	s := serveFed(t, Config{Handler: funcs{close: func(_ *Conn, e End) { ended <- e }}})
	srv := &http.Server{Handler: s}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { srv.Close() })
	addr.Port = l.Addr().(*net.TCPAddr).Port
	conn, err := net.DialTCP("tcp", nil, addr)
	if err != nil {
		t.Fatal(err)
	}
	c := wrap(t, conn)
	c.write(handshakeBytes("/"))
	c.wantSwitch()
	c.Close()
	if got := ended.take(t).RemoteAddr.String(); got != conn.LocalAddr().String() {
		t.Errorf("RemoteAddr %s, want %s", got, conn.LocalAddr())
	}
}

func linkLocal() *net.TCPAddr {
	interfaces, _ := net.Interfaces()
	for _, i := range interfaces {
		addrs, _ := i.Addrs()
		for _, a := range addrs {
			if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() == nil && ip.IP.IsLinkLocalUnicast() {
				return &net.TCPAddr{IP: ip.IP, Zone: i.Name}
			}
		}
	}
	return nil
}

// 10,000 upgrades one after the other leave nothing, and use descriptors again and again without mixing conns up.
func TestManyUpgrades(t *testing.T) {
	n := 10_000
	if testing.Short() || raceEnabled {
		n = 1000
	}
	s := serveFed(t, Config{Handler: echo})
	srv := feed(t, s, false)
	before := openFiles()
	var workers sync.WaitGroup
	for w := range 4 {
		workers.Go(func() {
			for i := range n / 4 {
				c := join(t, srv, "/")
				payload := fmt.Sprint(w, " ", i)
				c.text(payload)
				c.wantText(payload)
				if i%2 == 0 {
					c.send(frame.OpClose, "\x03\xe8")
					c.want(frame.OpClose, "\x03\xe8")
				}
				c.Close()
			}
		})
	}
	workers.Wait()
	eventually(t, "nothing left", goneFrom(s))
	eventually(t, "descriptors given back", func() bool { return openFiles() <= before+4 }) // net/http's own may be ending
}

func openFiles() int {
	files, _ := os.ReadDir("/proc/self/fd")
	return len(files)
}

// keepAlive asks for a plain resource of the server's own port, and leaves the connection open.
func (c *client) keepAlive(path, want string) {
	c.t.Helper()
	c.write([]byte("GET " + path + " HTTP/1.1\r\nHost: example.org\r\n\r\n"))
	c.wantBody(want)
}

func (c *client) wantBody(want string) {
	c.t.Helper()
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 || string(body) != want {
		c.t.Fatalf("%d %.100q, %v; want 200 %.100q", resp.StatusCode, body, err, want)
	}
}

// ownPort is a server whose own HTTP handler routes /ws to itself.
func ownPort(t *testing.T, cfg Config) *Server {
	t.Helper()
	var s *Server
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	mux.HandleFunc("/ws", func(w http.ResponseWriter, r *http.Request) { s.ServeHTTP(w, r) })
	mux.HandleFunc("/lost", func(w http.ResponseWriter, r *http.Request) { s.ServeHTTP(w, r.WithContext(context.Background())) })
	mux.HandleFunc("/disguised", func(w http.ResponseWriter, r *http.Request) { s.ServeHTTP(disguising{w}, r) })
	cfg.HTTP = mux
	s = prepare(t, cfg)
	start(t, s)
	return s
}

// disguising hands out another net.Conn than net/http's.
type disguising struct{ http.ResponseWriter }

func (d disguising) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(d.ResponseWriter).Hijack()
	return struct{ net.Conn }{conn}, rw, err
}

// A connection of our own port that net/http has comes back into a loop, with its place.
func TestUpgradeOnKeptAliveConnection(t *testing.T) {
	s := ownPort(t, Config{Handler: echo, MaxConns: 1})
	for round := range 20 {
		c := connect(t, s)
		for range 3 {
			c.keepAlive("/healthz", "ok")
		}
		if st := s.Stats(); st.HTTP != 1 || st.Connections != 1 {
			t.Fatalf("round %d: %d of HTTP, %d connections", round, st.HTTP, st.Connections)
		}
		c.write(handshakeBytes("/ws"))
		c.wantSwitch()
		c.text("back in a loop")
		c.wantText("back in a loop")
		if st := s.Stats(); st.HTTP != 0 || st.Connections != 1 || st.Open != 1 {
			t.Fatalf("round %d: %d of HTTP, %d connections, %d open", round, st.HTTP, st.Connections, st.Open)
		}
		c.send(frame.OpClose, "")
		c.want(frame.OpClose, "")
		c.wantEOF()
		c.Close()
		eventually(t, "room", goneFrom(s))
	}
	if st := s.Stats(); st.Accepted != 20 || len(st.Refused) != 0 {
		t.Errorf("%d accepted, refused %v", st.Accepted, st.Refused)
	}
}

// All of it in one segment, and more behind it than net/http's buffer takes.
func TestPipelinedUpgradeOnOwnPort(t *testing.T) {
	s := ownPort(t, Config{Handler: echo, MaxConns: 1})
	in := []byte("GET /healthz HTTP/1.1\r\nHost: example.org\r\n\r\n")
	in = append(in, handshakeBytes("/ws")...)
	var payloads []string
	for i := range 12 {
		payloads = append(payloads, strings.Repeat(string(rune('a'+i)), 3000))
		in = frame.AppendMaskedFrame(in, frame.OpText, []byte(payloads[i]), [4]byte{5, 6, 7, 8})
	}
	for _, cut := range []int{len(in), 1, 43, 44, 100, 200, 300, 5000} {
		c := connect(t, s)
		c.write(in[:cut])
		s.settle()
		c.write(in[cut:])
		c.wantBody("ok")
		c.wantSwitch()
		for _, p := range payloads {
			c.wantText(p)
		}
		c.Close()
		eventually(t, "room", goneFrom(s))
	}
}

// Where middleware loses the request's context, or wraps the connection, the places are right as well.
func TestPlacesWhereMiddlewareInterferes(t *testing.T) {
	s := ownPort(t, Config{Handler: echo, MaxConns: 2})
	c := connect(t, s)
	c.keepAlive("/healthz", "ok")
	c.write(handshakeBytes("/lost"))
	c.wantSwitch()
	if n := s.Stats().Connections; n != 1 {
		t.Errorf("%d places for one connection", n)
	}
	c.Close()
	eventually(t, "room", goneFrom(s))

	c = connect(t, s)
	c.keepAlive("/healthz", "ok")
	c.write(handshakeBytes("/disguised"))
	c.wantSwitch()
	c.text("bridged")
	c.wantText("bridged")
	if st := s.Stats(); st.Connections != 2 || st.HTTP != 1 || st.Bridged != 1 {
		t.Errorf("%d places, %d of HTTP, %d bridged; want 2, 1, 1", st.Connections, st.HTTP, st.Bridged)
	}
	c.Close()
	eventually(t, "room", goneFrom(s))

	kept := dial(t, s, "/")
	c = connect(t, s)
	c.write([]byte("GET /healthz HTTP/1.1\r\nHost: example.org\r\n\r\n"))
	c.wantBody("ok")
	c.write(handshakeBytes("/disguised"))
	if head := string(c.head()); !strings.HasPrefix(head, "HTTP/1.1 503 ") {
		t.Errorf("got %q, want 503", head)
	}
	c.Close()
	kept.Close()
	eventually(t, "room", goneFrom(s))
}

// A server's handler mounted on the port of another: the place moves from one to the other.
func TestUpgradeIntoAnotherServer(t *testing.T) {
	inner := serveFed(t, Config{Handler: echo})
	outer := serve(t, Config{Handler: echo, HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/inner" {
			inner.ServeHTTP(w, r)
		}
	})})
	c := connect(t, outer)
	c.keepAlive("/healthz", "")
	c.write(handshakeBytes("/inner"))
	c.wantSwitch()
	c.text("inside")
	c.wantText("inside")
	if o, i := outer.Stats(), inner.Stats(); o.Connections != 0 || o.HTTP != 0 || i.Connections != 1 || i.Open != 1 {
		t.Errorf("outer %d and %d, inner %d and %d", o.Connections, o.HTTP, i.Connections, i.Open)
	}
}
