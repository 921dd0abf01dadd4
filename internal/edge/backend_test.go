package edge

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/webhook"
)

// backend is what webhooks are sent to. What it hears waits until the test answers.
type backend struct {
	t      *testing.T
	server *httptest.Server
	heard  chan *question
}

// question is a request to the backend.
type question struct {
	Event, Node, Client, User, Dialect, Address, Token, Channel string
	Headers                                                     map[string][]string
	Data                                                        json.RawMessage
	Clients                                                     []struct {
		Client, User, Reason string
		Code                 int
		Connected            int64 `json:"connected_ms"`
	}
	say chan string
}

func startBackend(t *testing.T) *backend {
	t.Helper()
	b := &backend{t: t, heard: make(chan *question, 1000)}
	b.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := &question{say: make(chan string, 1)}
		if err := json.NewDecoder(r.Body).Decode(q); err != nil {
			t.Errorf("request: %v", err)
		}
		b.heard <- q
		select {
		case answer := <-q.say:
			_, _ = io.WriteString(w, answer)
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(b.server.Close)
	return b
}

// config has a server ask the backend about events, with all the time it needs.
func (b *backend) config(events ...webhook.Event) *webhook.Config {
	return &webhook.Config{
		URL: b.server.URL, Events: events, Secret: []byte("0123456789abcdef"), Timeout: 10 * time.Second,
		AllowNets: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	}
}

// next is the next question, whatever it is about.
func (b *backend) next() *question {
	b.t.Helper()
	select {
	case q := <-b.heard:
		return q
	case <-time.After(patience):
		b.t.Fatal("nothing was asked")
		panic("unreachable")
	}
}

// asked is the next question, which must be about the event.
func (b *backend) asked(event webhook.Event) *question {
	b.t.Helper()
	q := b.next()
	if q.Event != event.String() {
		b.t.Fatalf("asked %+v, want %s", q, event)
	}
	return q
}

const yes = `{"allow":true}`

// agree answers the next question.
func (b *backend) agree(event webhook.Event) *question {
	b.t.Helper()
	q := b.asked(event)
	q.say <- yes
	return q
}

func waitForSubscriber(t *testing.T, s *Server, channel string) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if ch, err := s.hub.Acquire(channel); err == nil {
			joined := ch.Topic().Subscribers() > 0
			ch.Release()
			if joined {
				return
			}
		}
	}
	t.Fatalf("nobody subscribed to %s", channel)
}

func waitForClients(t *testing.T, s *Server, n int) {
	t.Helper()
	for end := time.Now().Add(patience); s.clients.count() != n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d clients, want %d", s.clients.count(), n)
		}
	}
}
