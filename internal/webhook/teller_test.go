package webhook

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"
)

// register is a backend that writes down of whom it is told, and fails as often as the test says.
type register struct {
	t  *testing.T
	mu sync.Mutex

	fail     int
	requests int
	ids      map[string]int // attempts by request id
	told     map[string]int
}

func (r *register) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body := read(r.t, q)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests++
	r.ids[q.Header.Get("Webhook-Id")]++
	if r.fail > 0 {
		r.fail--
		w.WriteHeader(503)
		return
	}
	for _, c := range body["clients"].([]any) {
		r.told[c.(map[string]any)["client"].(string)]++
	}
	w.WriteHeader(204)
}

func (r *register) look(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

func startRegister(t *testing.T) (*register, string) {
	t.Helper()
	r := &register{t: t, ids: map[string]int{}, told: map[string]int{}}
	return r, startBackend(t, r.ServeHTTP).URL
}

func TestToldInBatches(t *testing.T) {
	r, url := startRegister(t)
	r.fail = 2
	c := startClient(t, Config{URL: url})
	const clients = 2*tellBatch + 1
	for i := range clients {
		c.Tell(Ended{Client: fmt.Sprint("c-", i), User: "ann", Code: 1000, Milliseconds: 5})
	}
	eventually(t, c, "told", func(s Stats) bool { return s.Told == clients })
	r.look(func() {
		if len(r.told) != clients || len(r.ids) != r.requests-2 {
			t.Errorf("told of %d, by %d requests with %d ids", len(r.told), r.requests, len(r.ids))
		}
		for client, times := range r.told {
			if times != 1 {
				t.Errorf("told of %s %d times", client, times)
			}
		}
	})
	if s := c.Stats(); s.Retries != 2 || s.Failures[failStatus] != 2 || s.Telling != 0 || len(s.Dropped) != 0 || s.CircuitOpen {
		t.Errorf("%+v", s)
	}
}

func TestBodyOfEnded(t *testing.T) {
	body := appendEnded(nil, "n", []Ended{{Client: "c", User: "é\"", Reason: "slow", Code: 3008, Milliseconds: 12}, {Client: "d", Code: 1000}})
	want := `{"event":"disconnect","node":"n","clients":[{"code":3008,"reason":"slow","client":"c","user":"é\"","connected_ms":12},{"code":1000,"client":"d","connected_ms":0}]}`
	if string(body) != want {
		t.Errorf("got  %s\nwant %s", body, want)
	}
}

func TestTooManyToTell(t *testing.T) {
	began, release := make(chan struct{}, 10), make(chan struct{})
	backend := startBackend(t, func(http.ResponseWriter, *http.Request) { began <- struct{}{}; <-release })
	c := startClient(t, Config{URL: backend.URL, TellMax: 10})
	c.Tell(Ended{Client: "c"})
	await(t, began) // from here on nothing is taken of what waits
	for range 15 {
		c.Tell(Ended{Client: "c"})
	}
	if s := c.Stats(); s.Dropped[dropFull] != 5 || s.Telling != 10 {
		t.Errorf("%+v", s)
	}
	close(release)
	eventually(t, c, "told", func(s Stats) bool { return s.Told == 11 })
}

func TestTellingIsGivenUp(t *testing.T) {
	r, url := startRegister(t)
	r.fail = 1 << 30
	c := startClient(t, Config{URL: url, TellFor: time.Millisecond})
	c.Tell(Ended{Client: "c"})
	eventually(t, c, "dropped", func(s Stats) bool { return s.Dropped[dropGaveUp] == 1 })
}

// TestCloseTells wants what waits told first, and no longer waited for than may be.
func TestCloseTells(t *testing.T) {
	r, url := startRegister(t)
	c := startClient(t, Config{URL: url})
	c.Tell(Ended{Client: "c"})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c.Close(ctx)
	c.Tell(Ended{Client: "d"})
	if s := c.Stats(); s.Told != 1 || s.Dropped[dropClosed] != 1 {
		t.Errorf("%+v", s)
	}

	r.look(func() { r.fail = 1 << 30 })
	c = startClient(t, Config{URL: url})
	for range tellBatch + 1 {
		c.Tell(Ended{Client: "e"})
	}
	eventually(t, c, "a retry", func(s Stats) bool { return s.Retries > 0 })
	over, cancel := context.WithCancel(t.Context())
	cancel()
	c.Close(over)
	if s := c.Stats(); s.Dropped[dropClosed] != tellBatch+1 || s.Telling != 0 {
		t.Errorf("%+v", s)
	}
}

func TestNotTold(t *testing.T) {
	c := startClient(t, Config{URL: "http://127.0.0.1:1/", Events: Events{Connect}})
	c.Tell(Ended{})
	if s := c.Stats(); s.Telling != 0 || len(s.Dropped) != 0 {
		t.Errorf("%+v", s)
	}
}
