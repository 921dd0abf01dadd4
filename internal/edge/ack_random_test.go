package edge

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/channel"
)

// returner is a user with one client, which comes and goes, and acknowledges some of what it gets. It knows what must come again.
type returner struct {
	*ackTest
	user   string
	rng    *rand.Rand
	client *client

	epoch  string    // "" before it has read its first subscribed
	floor  uint64    // all that it has acknowledged, or was told to miss, is up to here
	seen   uint64    // up to which it has got everything, or was told
	unsure bool      // it has not read the answer to its last subscribe
	first  *ackHeard // has been heard, and not been taken
	counts *[3]atomic.Int64
}

// The outcomes that are counted.
const (
	sentAgain = iota
	nothingToSend
	notRecovered
)

type ackHeard struct {
	Type, Epoch  string
	Offset, Prev uint64
	Recovered    *bool
	Acked        *uint64
}

func (r *returner) hear() (m ackHeard, text string) {
	if r.first != nil {
		m, r.first = *r.first, nil
		return m, "the first"
	}
	text = r.client.hear()
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		r.Errorf("%s: %v", text, err)
	}
	return m, text
}

// visit is one connection. Who does not know what the last answer was gives its position, as PROTOCOL.md has it.
func (r *returner) visit() {
	r.client = r.as(r.user)
	defer r.client.conn.Close()
	command := `{"type":"subscribe","channel":"news"}`
	recovers := r.epoch != "" && (r.unsure || r.rng.IntN(3) == 0)
	if recovers {
		command = fmt.Sprintf(`{"type":"subscribe","channel":"news","recover":{"epoch":%q,"offset":%d}}`, r.epoch, r.seen)
	}
	r.client.say(command, `{"type":"ping"}`)
	if r.unsure = r.rng.IntN(10) == 0; r.unsure {
		r.client.conn.Close()
		eventually(r.T, "the server knows", func() bool { return r.s.clients.conn(r.client.id) == nil }) // or it would subscribe behind the next visit
		return
	}
	last := r.subscribed(recovers)
	for range r.rng.IntN(4) {
		r.client.say(fmt.Sprintf(`{"type":"publish","channel":"news","data":%d}`, r.rng.IntN(1000)))
		last = r.take(last, "published")
	}
	r.seen = last
	if r.floor > r.seen {
		r.Errorf("%s: %d is acknowledged, and %d the last", r.user, r.floor, r.seen)
		return
	}
	if acked := r.floor + r.rng.Uint64N(r.seen-r.floor+1); r.rng.IntN(3) > 0 {
		r.client.say(fmt.Sprintf(`{"type":"ack","channel":"news","offset":%d}`, acked), `{"type":"ping"}`)
		r.seen = r.take(last, "pong")
		r.floor = max(r.floor, acked)
	}
}

// subscribed takes the answer, and what is sent again behind it; it returns the offset of the last that came. What was not acknowledged is sent
// again, or else the client is told.
func (r *returner) subscribed(recovers bool) (last uint64) {
	m, text := r.hear()
	if m.Recovered == nil || !*m.Recovered {
		r.counts[notRecovered].Add(1)
		r.epoch, r.floor = m.Epoch, m.Offset
		return r.take(m.Offset, "pong")
	}
	begin, allowed := r.next(m.Offset), r.floor
	if recovers {
		allowed = r.seen
	}
	if r.epoch != "" && (r.epoch != m.Epoch || begin > allowed) {
		r.Errorf("%s was at %s, had acknowledged %d, and seen %d, with a position %v: %s, and then from %d on", r.user, r.epoch, r.floor, r.seen, recovers, text, begin)
	}
	if r.epoch == "" {
		r.epoch, r.floor = m.Epoch, begin
	}
	if m.Acked != nil { // it knows that what is before will not come again
		r.floor = max(r.floor, *m.Acked)
	}
	if begin < m.Offset {
		r.counts[sentAgain].Add(1)
	} else {
		r.counts[nothingToSend].Add(1)
	}
	if last = r.take(begin, "pong"); last < m.Offset {
		r.Errorf("%s has nothing behind %d: %s", r.user, last, text)
	}
	return last
}

// next is the offset before the message that is the next; or that one, if the next is none.
func (r *returner) next(none uint64) uint64 {
	m, _ := r.hear()
	r.first = &m
	if m.Type != "message" {
		return none
	}
	return m.Offset - 1
}

// take takes messages, each of which follows on the one before, up to an answer.
func (r *returner) take(last uint64, answer string) uint64 {
	for {
		m, text := r.hear()
		switch {
		case m.Type == answer:
			return last
		case m.Type != "message" || m.Offset != last+1:
			r.Errorf("%s, behind %d: %s", r.user, last, text)
			return last
		}
		last++
	}
}

// TestReturners has users come and go, while time passes, users are forgotten, and the namespaces change. None of them misses anything without a
// word.
func TestReturners(t *testing.T) {
	const users = 5
	var seconds atomic.Int64
	engine := broker.NewMemory(broker.MemoryConfig{Now: func() time.Time { return time.Unix(1_000_000+seconds.Load(), 0) }})
	var namespaces *channel.Namespaces
	a := startAck(t, 100, func(cfg *Config, _ *channel.Options) {
		cfg.Broker, cfg.ChannelIdle, namespaces = engine, time.Nanosecond, cfg.Namespaces
	})
	done := make(chan struct{})
	var operator, returning sync.WaitGroup
	operator.Go(func() {
		rng := rand.New(rand.NewPCG(5, 5))
		for {
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
			}
			seconds.Add(rng.Int64N(20))
			n := *namespaces
			n.Default.HistorySize, n.Default.HistoryAge = 1+rng.IntN(200), time.Duration(rng.IntN(3))*time.Minute
			n.Default.Ack, n.Default.AckUsers = rng.IntN(50) > 0, 3+rng.IntN(users)
			a.s.hub.SetNamespaces(&n)
			a.s.hub.Sweep()
		}
	})
	var counts [3]atomic.Int64
	for i := range users {
		r := &returner{ackTest: a, user: fmt.Sprint("user", i), rng: rand.New(rand.NewPCG(3, uint64(i))), counts: &counts}
		returning.Go(func() {
			for range *operations / 200 {
				r.visit()
			}
		})
	}
	returning.Wait()
	close(done)
	operator.Wait()
	for outcome := range counts {
		if counts[outcome].Load() == 0 {
			t.Errorf("outcome %d never came", outcome)
		}
	}
	t.Logf("sent again, nothing to send, not recovered: %d, %d, %d; %+v", counts[0].Load(), counts[1].Load(), counts[2].Load(), a.s.ackStats())
}
