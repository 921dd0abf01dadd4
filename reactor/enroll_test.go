package reactor

import (
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

// The routers of other people are in test/routers.
func TestUpgradeFromARouter(t *testing.T) {
	bothWays(t, func(t *testing.T, secure bool) {
		paths := newBox[string]()
		s := serveFed(t, Config{Handler: echo, Upgrade: func(c *Conn, r *frame.Request) (Accept, error) {
			paths <- string(r.Path) + " " + c.Request().PathValue("room")
			return Accept{}, nil
		}})
		mux := http.NewServeMux()
		mux.Handle("GET /rooms/{room}/ws", s)
		c := join(t, feed(t, mux, secure), "/rooms/blue/ws?x=1")
		for _, payload := range []string{"", "x", strings.Repeat("y", 60_000)} {
			c.text(payload)
			c.wantText(payload)
		}
		if got := paths.take(t); got != "/rooms/blue/ws blue" {
			t.Errorf("path %q", got)
		}
		c.send(frame.OpClose, "\x03\xe8bye")
		c.want(frame.OpClose, "\x03\xe8")
		c.wantEOF()
		c.Close()
		eventually(t, "nothing left", goneFrom(s))
	})
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
		s.settle()
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
	s.settle()
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
		s := serveFed(t, Config{
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

// Conns of every origin are members of topics alike.
func TestTopicOfAllKinds(t *testing.T) {
	var topic *Topic
	joined := newBox[struct{}]()
	s := prepare(t, Config{Handler: funcs{open: func(c *Conn) {
		if err := c.Subscribe(topic); err == nil {
			joined <- struct{}{}
		}
	}}})
	topic = s.NewTopic(TopicOptions{})
	start(t, s)
	clients := []*client{dial(t, s, "/"), join(t, feed(t, s, false), "/"), join(t, feed(t, s, true), "/")}
	for range clients {
		joined.take(t)
	}
	const messages = 300
	for i := range messages {
		if _, err := topic.Broadcast(frame.OpText, fmt.Appendf(nil, "%d %01000d", i, i)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range clients {
		for i := range messages {
			c.wantText(fmt.Sprintf("%d %01000d", i, i))
		}
	}
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
