package client

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/edge"
	"github.com/wsedge/wsedge/internal/leaktest"
)

// patience bounds what must come; a test that passes never waits for it.
const patience = 60 * time.Second

func TestMain(m *testing.M) {
	leaktest.Run(m, func() {
		s, err := edge.Listen(edgeConfig("127.0.0.1:0"))
		if err != nil {
			panic(err)
		}
		c, err := New(Config{Server: "http://" + s.Addr().String()})
		if err != nil {
			panic(err)
		}
		_, _ = c.Get(context.Background(), "info")
		c.Close()
		_ = s.Shutdown(context.Background())
	})
}

// edgeConfig is of a server on which everybody may do everything, and channels keep ten publications.
func edgeConfig(addr string) edge.Config {
	open := channel.Open()
	open.Default.HistorySize, open.Default.Recover = 10, true
	return edge.Config{Addr: addr, Namespaces: open, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
}

// serveEdge runs a real server until the test ends, or until the function is called that it returns.
func serveEdge(t *testing.T, cfg edge.Config) (addr string, stop func()) {
	t.Helper()
	s, err := edge.Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = s.Shutdown(ctx)
	})
	t.Cleanup(stop)
	return s.Addr().String(), stop
}

func dial(t *testing.T, server string) *Client {
	t.Helper()
	c, err := New(Config{Server: server, Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func (c *Client) publishAll(t *testing.T, channel string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if _, err := c.Call(t.Context(), "publish", new(Params).String("channel", channel).String("data", text)); err != nil {
			t.Fatal(err)
		}
	}
}

// log is what a tail has told, in order: a publication as its data, a notice behind "! ".
type log struct {
	mu    sync.Mutex
	lines []string
}

func (l *log) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
}

func (l *log) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lines)
}

// count counts the lines that begin so.
func (l *log) count(beginning string) (n int) {
	for _, line := range l.all() {
		if strings.HasPrefix(line, beginning) {
			n++
		}
	}
	return n
}

// running is a tail in the background.
type running struct {
	*log
	t      *testing.T
	cancel func()
	done   chan error
}

// follow starts a tail, which ends with the test at the latest.
func follow(t *testing.T, c *Client, tail Tail) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{&log{}, t, cancel, make(chan error, 1)}
	tail.Message = func(m *Message) error { r.add(strings.Trim(string(m.Data), `"`)); return nil }
	tail.Notice = func(line string) { r.add("! " + line) }
	go func() { r.done <- c.Tail(ctx, tail); close(r.done) }()
	t.Cleanup(func() { cancel(); <-r.done })
	return r
}

func (r *running) eventually(what string, ok func() bool) {
	r.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) { // polls, up to patience
		if time.Now().After(end) {
			r.t.Fatalf("never: %s; told %q", what, r.all())
		}
	}
}

// end waits for the tail's end and returns its error.
func (r *running) end() error {
	r.t.Helper()
	select {
	case err := <-r.done:
		return err
	case <-time.After(patience):
		r.t.Fatalf("the tail has not ended; told %q", r.all())
		return nil
	}
}

// proxy carries bytes to a server until it is told to cut them off.
type proxy struct {
	listener net.Listener
	target   string
	wait     sync.WaitGroup
	mu       sync.Mutex
	conns    []net.Conn
	closed   bool // to newcomers
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, target: target}
	p.wait.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			p.carry(conn)
		}
	})
	t.Cleanup(func() { l.Close(); p.cut(true); p.wait.Wait() })
	return p
}

func (p *proxy) carry(conn net.Conn) {
	up, err := net.Dial("tcp", p.target)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil || p.closed {
		conn.Close()
		if err == nil {
			up.Close()
		}
		return
	}
	p.conns = append(p.conns, conn, up)
	p.wait.Go(func() { _, _ = io.Copy(up, conn); up.Close() })
	p.wait.Go(func() { _, _ = io.Copy(conn, up); conn.Close() })
}

// cut ends all connections, and lets newcomers in or not.
func (p *proxy) cut(closed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range p.conns {
		conn.Close()
	}
	p.conns, p.closed = nil, closed
}

// conversation is a server that says what a test wants. talk gets each connection, with its number from 0; when it returns the connection is cut off.
func conversation(t *testing.T, talk func(n int, p *peer)) *Client {
	t.Helper()
	var mu sync.Mutex
	n := -1
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		mu.Lock()
		n++
		mine := n
		mu.Unlock()
		talk(mine, &peer{t, conn, r})
	}))
	t.Cleanup(s.Close)
	return dial(t, s.URL)
}

// peer is the server's end of a connection.
type peer struct {
	t       *testing.T
	conn    *websocket.Conn
	request *http.Request
}

func (p *peer) say(text string) {
	_ = p.conn.Write(p.request.Context(), websocket.MessageText, []byte(text))
}

// want reads a command of the type, and returns it.
func (p *peer) want(kind string) command {
	var c command
	_, text, err := p.conn.Read(p.request.Context())
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err != nil || c.Type != kind {
		p.t.Errorf("want %s, got %s %v", kind, text, err)
	}
	return c
}

// stay reads until the client goes.
func (p *peer) stay() {
	for {
		if _, _, err := p.conn.Read(p.request.Context()); err != nil {
			return
		}
	}
}
