package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/wsedge/wsedge/internal/leaktest"
)

// patience bounds what must come; a test that passes never waits for it.
const patience = 60 * time.Second

func TestMain(m *testing.M) {
	leaktest.Run(m, func() {
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		if ch, err := start(ctx, defaults()); err == nil {
			_, _ = ch.server.Shutdown(ctx), ch.log.close()
		}
	})
}

func defaults() options {
	return options{addr: "127.0.0.1:0", root: "rooms", origins: "*", quietAbove: 1000, ping: time.Minute, beat: time.Hour,
		logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
}

// serve starts a chat that ends with the test.
func serve(t *testing.T, change func(o *options)) *chat {
	t.Helper()
	o := defaults()
	if change != nil {
		change(&o)
	}
	ch, err := start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(t, ch) })
	return ch
}

var ended sync.Map // of *chat

// end ends a chat, once.
func end(t *testing.T, ch *chat) {
	t.Helper()
	if _, again := ended.LoadOrStore(ch, true); again {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := ch.server.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if err := ch.log.close(); err != nil {
		t.Error(err)
	}
}

// client is one member, seen from outside.
type client struct {
	t   *testing.T
	ctx context.Context
	*websocket.Conn
}

func dial(t *testing.T, ch *chat, path string) *client {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	conn, _, err := websocket.Dial(ctx, "ws://"+ch.server.Addr().String()+path, nil)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow(); cancel() })
	return &client{t, ctx, conn}
}

// refusedWith dials what is to be refused, and returns the status.
func refusedWith(t *testing.T, ch *chat, path string, header http.Header) int {
	t.Helper()
	conn, resp, err := websocket.Dial(context.Background(), "ws://"+ch.server.Addr().String()+path, &websocket.DialOptions{HTTPHeader: header})
	if err == nil {
		_ = conn.CloseNow()
		return http.StatusSwitchingProtocols
	}
	if resp == nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}

func (c *client) say(text string) {
	c.t.Helper()
	if err := c.Write(c.ctx, websocket.MessageText, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

// bye closes with a handshake, so that what the server tells of it has been told when this returns, to those on the same loop at least.
func (c *client) bye() {
	c.t.Helper()
	if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
		c.t.Fatal(err)
	}
}

// next returns the next message, whose bytes must be JSON.
func (c *client) next() map[string]any {
	c.t.Helper()
	kind, data, err := c.Read(c.ctx)
	if err != nil {
		c.t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(data, &got); err != nil || kind != websocket.MessageText {
		c.t.Fatalf("%v message %q: %v", kind, data, err)
	}
	return got
}

// something stands for a value that is there, whatever it is.
const something = "*"

// want checks that the next message has exactly these keys and values.
func (c *client) want(text string) map[string]any {
	c.t.Helper()
	var want map[string]any
	if err := json.Unmarshal([]byte(text), &want); err != nil {
		c.t.Fatal(err)
	}
	got := c.next()
	for key, value := range want {
		if there, ok := got[key]; ok && value == something {
			want[key] = there
		}
	}
	if !reflect.DeepEqual(got, want) {
		c.t.Fatalf("got %v, want %v", got, want)
	}
	return got
}

// ended waits for the end of the connection, and returns its close code.
func (c *client) ended() websocket.StatusCode {
	c.t.Helper()
	for {
		if _, _, err := c.Read(c.ctx); err != nil {
			if c.ctx.Err() != nil {
				c.t.Fatal(err)
			}
			return websocket.CloseStatus(err)
		}
	}
}

// get returns the body of a GET, and its status.
func get(t *testing.T, ch *chat, path, authorization string) (body string, status int) {
	t.Helper()
	r, err := http.NewRequest("GET", "http://"+ch.server.Addr().String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b), resp.StatusCode
}
