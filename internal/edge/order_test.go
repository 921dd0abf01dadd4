package edge

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestOrderUnderConcurrentPublishers wants every subscriber to see the same publications, each offset once, rising.
func TestOrderUnderConcurrentPublishers(t *testing.T) {
	const publishers, each, subscribers = 8, 100, 4
	s := startServer(t, Config{})
	var listening, publishing sync.WaitGroup
	heard := make([][]string, subscribers)
	for i := range subscribers {
		c := greet(t, s)
		c.subscribe("news")
		listening.Go(func() {
			for range publishers * each {
				heard[i] = append(heard[i], c.hear())
			}
		})
	}
	for p := range publishers {
		c := greet(t, s)
		publishing.Go(func() {
			last := 0
			for n := range each {
				if p%2 == 0 {
					c.say(fmt.Sprintf(`{"type":"publish","channel":"news","data":"%d-%d"}`, p, n))
				} else {
					_, answer := post(t, s, "/api/publish", fmt.Sprintf(`{"channel":"news","data":"%d-%d"}`, p, n))
					last = risingOffset(t, answer, last)
				}
			}
			for range each * (1 - p%2) {
				last = risingOffset(t, c.hear(), last)
			}
		})
	}
	publishing.Wait()
	listening.Wait()
	for i := range heard {
		last := 0
		for _, message := range heard[i] {
			last = risingOffset(t, message, last)
		}
		if last != publishers*each || !slices.Equal(heard[i], heard[0]) {
			t.Fatalf("subscriber %d ends at offset %d, or saw another order", i, last)
		}
	}
}

// risingOffset reads the offset and wants it above last.
func risingOffset(t testing.TB, message string, last int) int {
	_, after, _ := strings.Cut(message, `"offset":`)
	var offset int
	if _, err := fmt.Sscanf(after, "%d", &offset); err != nil || offset <= last {
		t.Errorf("%s behind offset %d: %v", message, last, err)
	}
	return offset
}

// TestJoiningUnderFire subscribes and unsubscribes at random while others publish. Whoever is subscribed gets exactly the
// offsets behind the one that subscribed named, without a hole, and nothing after unsubscribed.
func TestJoiningUnderFire(t *testing.T) {
	const clients, rounds = 6, 60
	s := startServer(t, Config{})
	stop := make(chan struct{})
	var publishing, joining sync.WaitGroup
	for range 3 {
		publishing.Go(func() {
			channels := []string{"a", "b"}
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				// As fast as it goes, but no faster than subscribers read: who falls behind is closed as slow, and that
				// is another test's matter.
				if st := s.reactor.Stats(); st.QueuedBytes > 64<<10 || st.InFlightBytes > 64<<10 {
					runtime.Gosched()
					continue
				}
				publishFast(t, s, channels[n%2])
			}
		})
	}
	for i := range clients {
		c := greet(t, s)
		random := rand.New(rand.NewPCG(1, uint64(i)))
		joining.Go(func() {
			l := &ledger{t: t, client: c, position: map[string]int{}}
			for range rounds {
				l.step(random)
			}
			l.settle()
		})
	}
	joining.Wait()
	close(stop)
	publishing.Wait()
}

func publishFast(t *testing.T, s *Server, name string) {
	channel, err := s.hub.Acquire(name)
	if err != nil {
		t.Error(err)
		return
	}
	defer channel.Release()
	if _, err := channel.Publish(publicationOf("1"), nil); err != nil {
		t.Error(err)
	}
}

// ledger is what one client must hear.
type ledger struct {
	t        *testing.T
	client   *client
	position map[string]int // of the channels subscribed: the last offset
	owed     int            // replies
}

// step sends a few commands at once and reads until all are answered.
func (l *ledger) step(random *rand.Rand) {
	var commands []string
	for range 1 + random.IntN(3) {
		kind := [...]string{"subscribe", "subscribe", "unsubscribe"}[random.IntN(3)]
		commands = append(commands, fmt.Sprintf(`{"type":%q,"channel":%q}`, kind, [...]string{"a", "b"}[random.IntN(2)]))
	}
	l.client.say(commands...)
	l.owed += len(commands)
	for l.owed > 0 {
		l.hear()
	}
	for range random.IntN(20) { // some live ones, if there are any to come
		if len(l.position) > 0 {
			l.hear()
		}
	}
}

// settle ends what is subscribed, and hears all that was sent before the last reply.
func (l *ledger) settle() {
	l.client.say(`{"type":"unsubscribe","channel":"a"}`, `{"type":"unsubscribe","channel":"b"}`, `{"type":"ping"}`)
	l.owed = 3
	for l.owed > 0 {
		l.hear()
	}
}

func (l *ledger) hear() {
	message := l.client.hear()
	_, rest, _ := strings.Cut(message, `"channel":"`)
	channel, _, _ := strings.Cut(rest, `"`)
	last, subscribed := l.position[channel]
	switch {
	case strings.HasPrefix(message, `{"type":"message"`):
		if offset := risingOffset(l.t, message, 0); !subscribed || offset != last+1 {
			l.t.Errorf("%s, subscribed %v, behind offset %d", message, subscribed, last)
		}
		l.position[channel] = last + 1
		return
	case strings.HasPrefix(message, `{"type":"subscribed"`):
		l.position[channel] = risingOffset(l.t, message, -1)
	case strings.HasPrefix(message, `{"type":"unsubscribed"`):
		delete(l.position, channel)
	}
	l.owed--
}
