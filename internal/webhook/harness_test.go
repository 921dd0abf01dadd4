package webhook

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"
)

// patience is how long a test waits for what must come. It is no measure of anything.
const patience = 20 * time.Second

var (
	discard    = log.New(io.Discard, "", 0)
	testSecret = []byte("0123456789abcdef")
	loopback   = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
)

// startBackend runs an HTTP server for the length of the test.
func startBackend(t *testing.T, answer http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	return s
}

// say is a backend that answers always the same.
func say(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, text)
	}
}

// startClient makes a client that may reach this machine, wants all events and has all the time it needs, if cfg says nothing else.
func startClient(t *testing.T, cfg Config) *Client {
	t.Helper()
	setDefault(&cfg.Timeout, maxTimeout)
	if cfg.Events == nil {
		cfg.Events = Events{Connect, Subscribe, Publish, Disconnect}
	}
	if cfg.AllowNets == nil {
		cfg.AllowNets = loopback
	}
	cfg.Secret, cfg.Logger = testSecret, slog.New(slog.NewTextHandler(io.Discard, nil))
	if problems := cfg.Check(); len(problems) > 0 {
		t.Fatal(problems)
	}
	c := New(cfg, "node")
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		c.Close(ctx)
	})
	return c
}

// ask asks and waits for the verdict.
func ask(t *testing.T, c *Client, e Event, o Occasion) Verdict {
	t.Helper()
	done := make(chan Verdict, 1)
	c.Ask(e, &o, func(v Verdict) { done <- v })
	return await(t, done)
}

func await[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

// eventually waits until the client's numbers are as wanted.
func eventually(t *testing.T, c *Client, what string, is func(Stats) bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(c.Stats()); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: %+v", what, c.Stats())
		}
	}
}

// read decodes a request's body.
func read(t *testing.T, r *http.Request) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		t.Error(err)
	}
	return m
}
