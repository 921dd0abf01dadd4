package edge

import (
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/wsedge/wsedge/internal/cluster"
	"github.com/wsedge/wsedge/internal/ticket"
)

// maxBarred is how many clients are remembered whose tickets do not count any more, at some 100 B each. No id of a client is longer than
// maxBarredBytes.
const (
	maxBarred      = 10_000
	maxBarredBytes = 64
)

// barred are clients that the API has disconnected: they may come back with a token, but not with the tickets that they have. Safe from any
// goroutine.
type barred struct {
	// Guarded by mu.
	mu      sync.Mutex
	clients map[string]time.Time
	floor   time.Time // nothing counts that was issued until then
}

// add refuses the tickets that a client has got until now. Where there are too many to remember, nobody's count: all can come back with a token.
func (b *barred) add(client string, now time.Time) {
	if len(client) > maxBarredBytes {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.clients) >= maxBarred {
		for name, at := range b.clients {
			if now.Sub(at) > ticket.Life+ticket.MaxSkew {
				delete(b.clients, name)
			}
		}
	}
	if len(b.clients) >= maxBarred {
		b.clients, b.floor = nil, now
	}
	if b.clients == nil {
		b.clients = make(map[string]time.Time)
	}
	b.clients[client] = now
}

// bar refuses the tickets that a client has got until now, on all nodes: whichever it comes back to.
func (s *Server) bar(client string) {
	s.tickets.barred.add(client, s.config.now())
	if err := s.cluster.Tell(topicBar, client); err != nil {
		s.config.Logger.Warn("tickets: other nodes were not told of a client that was disconnected", "error", err.Error())
	}
}

// hearBarred takes what other nodes tell of that.
func (s *Server) hearBarred() {
	s.cluster.Handle(topicBar, func(_ string, body []byte) {
		var client string
		if json.Unmarshal(body, &client) == nil {
			s.tickets.barred.add(client, s.config.now())
		}
	})
	s.cluster.Handle(topicBarred, func(_ string, body []byte) {
		var told toldBarred
		if json.Unmarshal(body, &told) == nil {
			s.tickets.barred.take(told, s.config.now())
		}
	})
	s.cluster.OnChange(func(c cluster.Change) {
		if c.What == cluster.Came { // a worker that was started again takes the tickets of the one before, too
			for _, told := range s.tickets.barred.all() {
				_ = s.cluster.TellOne(c.Node.ID, topicBarred, told) // what it does not hear, it has a node more to hear it from
			}
		}
	})
}

// toldBarred is what a node tells one that comes, a part at a time.
type toldBarred struct {
	Clients []string
	Floor   int64 `json:",omitempty"` // Unix time in s
}

// mostTold clients in one message take some 70 KB.
const mostTold = 1000

// all is what there is to tell.
func (b *barred) all() (parts []toldBarred) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for names := range slices.Chunk(slices.Collect(maps.Keys(b.clients)), mostTold) {
		parts = append(parts, toldBarred{Clients: names})
	}
	if !b.floor.IsZero() {
		parts = append(parts, toldBarred{Floor: b.floor.Unix()})
	}
	return parts
}

// take adds what another node has told, and this one did not know.
func (b *barred) take(told toldBarred, now time.Time) {
	for _, client := range told.Clients {
		b.mu.Lock()
		_, known := b.clients[client]
		b.mu.Unlock()
		if !known {
			b.add(client, now)
		}
	}
	if floor := time.Unix(told.Floor, 0); told.Floor > 0 {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.floor.Before(floor) {
			b.floor = floor
		}
	}
}

// hit tells whether a ticket does not count any more.
func (b *barred) hit(t *ticket.Ticket) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, found := b.clients[t.Client]
	return found || t.Issued.Unix() <= b.floor.Unix()
}
