package edge

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/webhook"
)

// moody is a backend that takes its time, or not, and says anything.
func moody(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	switch rand.IntN(8) {
	case 0:
		_, _ = io.WriteString(w, `{"allow":false,"code":"mood"}`)
	case 1:
		w.WriteHeader(http.StatusTeapot)
	case 2, 3:
		time.Sleep(rand.N(3 * time.Millisecond)) // so that answers come in another order than questions
		fallthrough
	default:
		_, _ = io.WriteString(w, yes)
	}
}

// TestTurnsOfManyClients has clients send commands of all kinds at random, and go at random, while a backend decides at random. Every
// command is answered once, in its order, and whoever is subscribed gets every publication behind the position once. Nothing is left.
func TestTurnsOfManyClients(t *testing.T) {
	const clients, rounds = 8, 40
	server := httptest.NewServer(http.HandlerFunc(moody))
	defer server.Close()
	b := &backend{t: t, server: server}
	s := startServer(t, Config{Webhooks: b.config(webhook.Subscribe, webhook.Publish, webhook.Disconnect)})
	var running sync.WaitGroup
	for i := range clients {
		running.Go(func() {
			random := rand.New(rand.NewPCG(7, uint64(i)))
			for life := range 4 {
				c := greet(t, s)
				turn := &turnLedger{client: c, position: map[string]int{}}
				for range rounds {
					turn.step(random)
				}
				if life == 3 {
					turn.hearAll()
				}
				c.conn.Close()
			}
		})
	}
	running.Wait()
	waitForClients(t, s, 0)
	for end := time.Now().Add(patience); s.hooks.Stats().Asking > 0 || s.hooks.Stats().Told < 4*clients; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%+v", s.hooks.Stats())
		}
	}
	for name := range strings.SplitSeq("abc", "") {
		ch, err := s.hub.Acquire(name)
		if err != nil || ch.Topic().Subscribers() != 0 {
			t.Errorf("%s has subscribers, or %v", name, err)
		}
		ch.Release()
	}
}

// turnLedger is what one client must hear.
type turnLedger struct {
	client     *client
	sent, next int            // ids of commands, and of replies
	position   map[string]int // of the channels subscribed: the last offset
}

func (l *turnLedger) step(random *rand.Rand) {
	channel := string("abc"[random.IntN(3)])
	var commands []string
	for range 1 + random.IntN(6) {
		command := [...]string{`"subscribe"`, `"publish","data":1`, `"publish","data":[2]`, `"unsubscribe"`, `"ping"`}[random.IntN(5)]
		commands = append(commands, fmt.Sprintf(`{"type":%s,"id":%d,"channel":"%s"}`, command, l.sent, channel))
		l.sent++
	}
	l.client.say(commands...)
	for l.sent-l.next > 20 {
		l.hear()
	}
}

func (l *turnLedger) hearAll() {
	for l.next < l.sent {
		l.hear()
	}
}

func (l *turnLedger) hear() {
	t := l.client.t
	message := l.client.hear()
	_, rest, _ := strings.Cut(message, `"channel":"`)
	channel, _, _ := strings.Cut(rest, `"`)
	if strings.HasPrefix(message, `{"type":"message"`) {
		last, subscribed := l.position[channel]
		if offset := risingOffset(t, message, 0); !subscribed || offset != last+1 {
			t.Errorf("%s, subscribed %v, behind offset %d", message, subscribed, last)
		}
		l.position[channel] = last + 1
		return
	}
	_, id, _ := strings.Cut(message, `"id":`)
	if !strings.HasPrefix(id, fmt.Sprint(l.next, ",")) && !strings.HasPrefix(id, fmt.Sprint(l.next, "}")) {
		t.Errorf("%s, want the reply to %d", message, l.next)
	}
	l.next++
	switch {
	case strings.HasPrefix(message, `{"type":"subscribed"`):
		l.position[channel] = risingOffset(t, message, -1)
	case strings.HasPrefix(message, `{"type":"unsubscribed"`):
		delete(l.position, channel)
	}
}
