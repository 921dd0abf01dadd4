package edge

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/ticket"
)

// TestTicketWanderers: clients go from node to node with tickets while publications go on. Each has everything that was published in its
// channels since it came first, once and in order.
func TestTicketWanderers(t *testing.T) {
	const clients, moves, places = 4, 12, 3
	es := engines(t, 2)
	key := ticket.NewKey()
	nodes := make([]*Server, 2)
	for i := range nodes {
		nodes[i] = startServer(t, sharedKeys(Config{Broker: es[i], Namespaces: keeping(10_000, nil)}, key))
	}
	var over atomic.Bool
	published := make(chan []uint64, 1)
	go func() { published <- publishAlong(t, nodes, places, &over) }()
	walkers := make([]*rambler, clients)
	ended := make(chan error)
	for i := range walkers {
		walkers[i] = &rambler{t: t, nodes: nodes, rng: rand.New(rand.NewPCG(1, uint64(i))), seen: make([][]uint64, places), at: make(map[string]broker.Position)}
		go func() { ended <- walkers[i].walk(moves) }()
	}
	for range walkers {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	over.Store(true)
	last := <-published
	for i, w := range walkers {
		if err := w.settle(last); err != nil {
			t.Errorf("client %d: %v", i, err)
		}
	}
}

// publishAlong publishes numbers from 1 in all places, at either node, and returns the last of each.
func publishAlong(t *testing.T, nodes []*Server, places int, over *atomic.Bool) []uint64 {
	last := make([]uint64, places)
	for n := 0; !over.Load(); n++ {
		place := n % places
		if status, answer := post(t, nodes[n%len(nodes)], "/api/publish", fmt.Sprintf(`{"channel":"c%d","data":%d}`, place, last[place]+1)); status != 200 {
			t.Errorf("%d %s", status, answer)
			return last
		}
		last[place]++
	}
	return last
}

// rambler is a client with a ticket.
type rambler struct {
	t      *testing.T
	nodes  []*Server
	rng    *rand.Rand
	client *client
	ticket string
	at     map[string]broker.Position
	seen   [][]uint64 // by place
}

// talk is anything that a server says.
type talk struct {
	Type, Channel, Epoch, Ticket, Code string
	Offset, Data                       uint64
	Recovered                          *bool
}

// walk subscribes everywhere, and then moves.
func (w *rambler) walk(moves int) error {
	w.client = dial(w.t, w.nodes[0], "/ws?ticket=1", "")
	for place := range w.seen {
		w.client.say(fmt.Sprintf(`{"type":"subscribe","channel":"c%d"}`, place))
	}
	for joined := 0; joined < len(w.seen); {
		m, err := w.hear()
		if err != nil {
			return err
		}
		if m.Type == "subscribed" {
			joined++
		}
	}
	for !w.complete() { // the ticket with all channels comes of itself
		if _, err := w.hear(); err != nil {
			return err
		}
	}
	for range moves {
		for range w.rng.IntN(20) {
			if _, err := w.hear(); err != nil {
				return err
			}
		}
		if err := w.move(); err != nil {
			return err
		}
	}
	return nil
}

// complete tells whether all channels are in the ticket.
func (w *rambler) complete() bool {
	opened, reason := w.nodes[0].openTicket(w.ticket)
	return reason == "" && len(opened.Channels) == len(w.seen)
}

// move breaks off, and comes back elsewhere.
func (w *rambler) move() error {
	w.client.conn.Close()
	w.client = dial(w.t, w.nodes[w.rng.IntN(len(w.nodes))], "/ws", "")
	var positions []any
	for name, p := range w.at {
		positions = append(positions, name, p.Epoch, int(p.Offset))
	}
	w.client.say(comeBack(w.ticket, positions...))
	for back := 0; back < len(w.seen); {
		m, err := w.hear()
		if err != nil {
			return err
		}
		if m.Type == "subscribed" {
			if back++; m.Recovered == nil || !*m.Recovered {
				return fmt.Errorf("%s was not recovered from %+v", m.Channel, w.at[m.Channel])
			}
		}
	}
	return nil
}

// hear takes one message, and books it.
func (w *rambler) hear() (m talk, err error) {
	text := w.client.hear()
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return m, fmt.Errorf("%s: %w", text, err)
	}
	var place int
	_, _ = fmt.Sscanf(m.Channel, "c%d", &place)
	switch m.Type {
	case "message":
		w.seen[place] = append(w.seen[place], m.Data)
		w.at[m.Channel] = broker.Position{Epoch: w.at[m.Channel].Epoch, Offset: m.Offset}
	case "subscribed":
		if m.Recovered == nil {
			w.at[m.Channel] = broker.Position{Epoch: m.Epoch, Offset: m.Offset}
		}
	case "ticket":
		w.ticket = m.Ticket
	case "welcome":
		if m.Ticket != "" {
			w.ticket = m.Ticket
		}
	default:
		return m, fmt.Errorf("heard %s", text)
	}
	return m, nil
}

// settle waits for the last publications, and looks at what has come.
func (w *rambler) settle(last []uint64) error {
	for place, want := range last {
		for want > 0 && (len(w.seen[place]) == 0 || w.seen[place][len(w.seen[place])-1] < want) {
			if _, err := w.hear(); err != nil {
				return err
			}
		}
		for i, n := range w.seen[place] {
			if n != w.seen[place][0]+uint64(i) {
				return fmt.Errorf("place %d: %d behind %d", place, n, w.seen[place][i-1])
			}
		}
	}
	return nil
}
