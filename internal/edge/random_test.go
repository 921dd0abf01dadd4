package edge

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/channel"
)

var operations = flag.Int("edge.operations", 60_000, "how many random commands clients send while channels are changed beneath them")

// heard is any message of the server.
type heard struct {
	Type, Channel string
	ID            int
	Data          string
	Offset, Prev  uint64
	Epoch         string
	Recovered     *bool
	Publications  []heard
}

// wanderer is a client that comes and goes, and knows what it must get: after subscribed every publication of the channel, from where it
// was if that was recovered, or from the position named.
type wanderer struct {
	t      *testing.T
	s      *Server
	rng    *rand.Rand
	client *client
	truth  *sync.Map // data by channel and offset, as anybody has seen it first
	name   int
	number int

	owed       int
	subscribed map[string]bool
	asked      map[int]broker.Position    // by the id of the subscribe
	position   map[string]broker.Position // up to which it has seen everything
	recovered  *atomic.Int64
	refused    *atomic.Int64
}

var places = []string{"a", "b", "c"}

// command is a random one, which will be answered once.
func (w *wanderer) command() string {
	place := places[w.rng.IntN(len(places))]
	switch n := w.rng.IntN(10); {
	case n < 4:
		w.number++
		return fmt.Sprintf(`{"type":"publish","channel":%q,"data":"%d-%d"}`, place, w.name, w.number)
	case n < 7:
		if at, known := w.position[place]; known && w.rng.IntN(4) > 0 {
			w.number++
			w.asked[w.number] = at
			return fmt.Sprintf(`{"type":"subscribe","id":%d,"channel":%q,"recover":{"epoch":%q,"offset":%d}}`, w.number, place, at.Epoch, at.Offset)
		}
		return fmt.Sprintf(`{"type":"subscribe","channel":%q}`, place)
	case n < 9:
		return fmt.Sprintf(`{"type":"unsubscribe","channel":%q}`, place)
	default:
		return fmt.Sprintf(`{"type":"history","channel":%q,"limit":%d}`, place, 1+w.rng.IntN(30))
	}
}

// hear takes one message.
func (w *wanderer) hear() {
	text := w.client.hear()
	var m heard
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		w.t.Fatalf("%s: %v", text, err)
	}
	at := w.position[m.Channel]
	switch m.Type {
	case "message":
		if !w.subscribed[m.Channel] || m.Offset != at.Offset+1 {
			w.t.Errorf("%s at %+v, subscribed %v", text, at, w.subscribed[m.Channel])
		}
		w.check(m.Channel, m.Offset, m.Data)
		w.position[m.Channel] = broker.Position{Epoch: at.Epoch, Offset: m.Offset}
		return
	case "subscribed":
		w.subscribed[m.Channel] = true
		switch {
		case m.Recovered != nil && *m.Recovered:
			w.recovered.Add(1)
			w.position[m.Channel] = w.asked[m.ID] // what follows begins there
		default:
			if m.Recovered != nil {
				w.refused.Add(1)
			}
			w.position[m.Channel] = broker.Position{Epoch: m.Epoch, Offset: m.Offset}
		}
	case "unsubscribed":
		delete(w.subscribed, m.Channel)
	case "history":
		for i, p := range m.Publications {
			if w.check(m.Channel, p.Offset, p.Data); i > 0 && p.Offset != m.Publications[i-1].Offset+1 || p.Offset > m.Offset {
				w.t.Errorf("%s", text)
			}
		}
	}
	delete(w.asked, m.ID)
	w.owed--
}

// check wants the same data at an offset as everybody else has seen.
func (w *wanderer) check(place string, offset uint64, data string) {
	if first, _ := w.truth.LoadOrStore(fmt.Sprint(place, offset), data); first != data {
		w.t.Errorf("%s %d is %v and %s", place, offset, first, data)
	}
}

// wander sends so many commands, and comes back now and then with what it has.
func (w *wanderer) wander(commands int) {
	w.client = greet(w.t, w.s)
	for commands > 0 {
		var batch []string
		for range 1 + w.rng.IntN(6) {
			batch = append(batch, w.command())
		}
		w.client.say(batch...)
		w.owed, commands = len(batch), commands-len(batch)
		if w.rng.IntN(30) == 0 { // some answers, and what is on its way, are lost
			for range w.rng.IntN(w.owed) {
				w.hear()
			}
			w.client.conn.Close()
			w.client = greet(w.t, w.s)
			w.subscribed, w.asked, w.owed = map[string]bool{}, map[int]broker.Position{}, 0
		}
		for w.owed > 0 {
			w.hear()
		}
	}
}

// TestWanderers has clients publish, subscribe, recover, read histories and disconnect in any order, while time passes and the namespaces
// change. Whatever each of them gets follows on what it had.
func TestWanderers(t *testing.T) {
	const clients = 8
	var seconds atomic.Int64
	engine := broker.NewMemory(broker.MemoryConfig{Now: func() time.Time { return time.Unix(1_000_000+seconds.Load(), 0) }})
	s := startServer(t, Config{Broker: engine, Namespaces: keeping(100, nil)})
	done := make(chan struct{})
	var operator, wandering sync.WaitGroup
	operator.Go(func() {
		rng := rand.New(rand.NewPCG(5, 5))
		for {
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
			}
			seconds.Add(rng.Int64N(20))
			s.hub.SetNamespaces(keeping(rng.IntN(200), func(o *channel.Options) {
				o.Recover, o.HistoryAge = rng.IntN(10) > 0, time.Duration(rng.IntN(3))*time.Minute
			}))
			s.hub.Sweep()
		}
	})
	var truth sync.Map
	var recovered, refused atomic.Int64
	for i := range clients {
		w := &wanderer{
			t: t, s: s, rng: rand.New(rand.NewPCG(3, uint64(i))), truth: &truth, name: i, recovered: &recovered, refused: &refused,
			subscribed: map[string]bool{}, asked: map[int]broker.Position{}, position: map[string]broker.Position{},
		}
		wandering.Go(func() { w.wander(*operations / clients) })
	}
	wandering.Wait()
	close(done)
	operator.Wait()
	if recovered.Load() == 0 || refused.Load() == 0 {
		t.Errorf("%d recovered, %d not: want some of each", recovered.Load(), refused.Load())
	}
}
