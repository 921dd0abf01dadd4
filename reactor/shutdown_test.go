package reactor

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// shutdown ends a server whose clients are gone, or closed here.
func shutdown(t *testing.T, s *Server, clients ...*client) {
	t.Helper()
	for _, c := range clients {
		c.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.Wait(); err != nil {
		t.Fatalf("Wait: %v", err)
	}
}

func TestShutdownClosesWithGrace(t *testing.T) {
	ended := newBox[End]()
	s := serve(t, Config{Loops: 2,
		Handler: funcs{close: func(_ *Conn, e End) { ended <- e }},
		OnDrain: func(c *Conn) { _ = c.Send(frame.OpText, []byte("last word")) },
	})
	var clients []*client
	for range 20 {
		clients = append(clients, dial(t, s, "/"))
	}
	handshaking := connect(t, s)
	handshaking.write([]byte("GET / HT"))
	eventually(t, "all connected", func() bool { return s.Stats().Connections == 21 })
	s.settle()
	done := make(chan error)
	go func() { done <- s.Shutdown(context.Background()) }()
	if head := string(handshaking.head()); !strings.HasPrefix(head, "HTTP/1.1 503 ") {
		t.Errorf("who was in the handshake got %q, want 503", head)
	}
	late := connect(t, s)
	if s.cfg.TLS == nil { // under TLS it is hung up on: an answer would cost a handshake
		late.write(handshakeBytes("/"))
		if head := string(late.head()); !strings.HasPrefix(head, "HTTP/1.1 503 ") || !strings.Contains(head, "Retry-After") {
			t.Errorf("who came late got %q, want 503 with Retry-After", head)
		}
	}
	late.Close()
	handshaking.Close()
	for _, c := range clients {
		c.wantText("last word")
		c.wantClose(1001, "shutdown")
		c.Close()
	}
	if err := <-done; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Errorf("a second Shutdown: %v", err)
	}
	if len(ended) != 20 {
		t.Errorf("%d handlers told, want 20", len(ended))
	}
	if _, err := s.NewTopic(TopicOptions{}).Broadcast(frame.OpText, nil); err != nil {
		t.Errorf("Broadcast after the end: %v", err)
	}
}

func TestShutdownIsBounded(t *testing.T) {
	s := serve(t, Config{Handler: echo, CloseTimeout: time.Hour})
	c := dial(t, s, "/") // never answers the close frame
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Shutdown(ctx) }()
	c.want(frame.OpClose, "\x03\xe9shutdown")
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown: %v", err)
	}
	if err := s.Wait(); err != nil {
		t.Errorf("Wait: %v", err)
	}
}

func TestUnexpectedEndIsReported(t *testing.T) {
	s := prepare(t, Config{Handler: echo})
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	c := dial(t, s, "/")
	s.awaitReady()
	ctx, cancel := context.WithCancel(context.Background())
	go func() { _ = s.engine.Stop(ctx) }() // not by us
	err := s.Wait()
	cancel()
	if !errors.Is(err, ErrEngineStopped) {
		t.Errorf("Wait: %v, want ErrEngineStopped", err)
	}
	if _, err := c.r.ReadByte(); err == nil {
		t.Error("the connection is still there")
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Errorf("Shutdown afterwards: %v", err)
	}
}

func TestPlainHTTPOnTheSamePort(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // HTTP/1 reads all of a request before it answers
		_, _ = w.Write(body)
	})
	mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	s := serve(t, Config{Handler: echo, HTTP: mux})
	ws := dial(t, s, "/echo")
	hc, transport := httpClient()
	for _, body := range []string{"", "small", strings.Repeat("large", 1<<18)} {
		for _, chunked := range []bool{false, true} {
			var r io.Reader = strings.NewReader(body)
			if chunked {
				r = struct{ io.Reader }{r}
			}
			resp, err := hc.Post(scheme()+"://"+s.Addr().String()+"/echo", "text/plain", r)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || string(got) != body {
				t.Errorf("body of %d bytes, chunked %v: got %d, %v", len(body), chunked, len(got), err)
			}
		}
	}
	if n := s.Stats().HTTP; n != 1 {
		t.Errorf("%d HTTP connections, want 1: keep-alive", n)
	}
	if _, err := hc.Get(scheme() + "://" + s.Addr().String() + "/panic"); err == nil {
		t.Error("no error from a handler that panics")
	}
	ws.text("unharmed")
	ws.wantText("unharmed")
	transport.CloseIdleConnections()
	eventually(t, "HTTP connections gone", func() bool {
		st := s.Stats()
		return st.HTTP == 0 && st.Connections == 1
	})
}

func TestStartAndShutdownOutOfTurn(t *testing.T) {
	s := prepare(t, Config{Handler: echo})
	if err := s.Shutdown(context.Background()); err != nil {
		t.Errorf("Shutdown before Start: %v", err)
	}
	start(t, s)
	if err := s.Start(); err == nil {
		t.Error("a second Start works")
	}
	failed, err := New(Config{Addr: s.Addr().String(), Handler: echo})
	if err != nil {
		t.Fatal(err)
	}
	if err := failed.Start(); err == nil {
		t.Fatal("listens on an address that is taken")
	}
	if err := failed.Wait(); err == nil {
		t.Error("Wait says that all is well")
	}
}

// A server that is stopped as soon as its first connection has come, and gone, leaves nothing behind: TestMain counts.
func TestShutdownRightAfterTheFirstConnection(t *testing.T) {
	for range 20 {
		s := serve(t, Config{Handler: echo})
		c := dial(t, s, "/")
		shutdown(t, s, c)
	}
}
