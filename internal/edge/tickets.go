package edge

import (
	"cmp"
	"container/heap"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wsedge/wsedge/internal/metrics"
	"github.com/wsedge/wsedge/internal/ticket"
	"github.com/wsedge/wsedge/reactor"
)

// Tickets say whether clients get resume tickets, and by which keys. With the zero value those who ask get some, which are good on this node until
// it ends.
type Tickets struct {
	// Off has nobody get a ticket, and none be taken.
	Off bool
	// Keys are shared by the nodes that take each other's tickets; new ones are made with the first. Default: a random one. Danger: who
	// knows one can be any user.
	Keys []ticket.Key
}

const (
	// ticketPause is how long a change waits for others, so that a burst of commands makes one ticket.
	ticketPause = time.Second
	// defaultTicketTick is how often it is looked who is due.
	defaultTicketTick = 500 * time.Millisecond
)

// tickets is what a server keeps of resume tickets: the keys, and when each client that takes them is due for another. The heap is swept, as the
// gate's is, so that no client has a timer. Safe from any goroutine.
type tickets struct {
	own ticket.Key                 // immutable: what counts where no keys are configured
	box atomic.Pointer[ticket.Box] // nil: tickets are off

	// Shared: atomic.
	issued, taken atomic.Int64
	refused       map[string]*atomic.Int64 // by reason; the map is immutable

	barred barred // guards itself

	// Guarded by mu.
	mu    sync.Mutex
	queue dueTickets
}

// What a ticket is refused for beyond the reasons of package ticket.
const (
	ticketsOff      = "off"       // this node takes none
	ticketAnonymous = "anonymous" // it is of a client without a token, who must have one by now
	ticketIdentity  = "identity"  // its token has expired, or was revoked
	ticketBarred    = "barred"    // the API has disconnected its client
	ticketUnknown   = "unknown"   // what was revoked on other nodes is not known yet
)

// newTickets makes them; own is a key that other processes have, too, or zero.
func newTickets(cfg Tickets, own ticket.Key) *tickets {
	t := &tickets{own: cmp.Or(own, ticket.NewKey()), refused: make(map[string]*atomic.Int64)}
	for _, reason := range append([]string{ticketsOff, ticketAnonymous, ticketIdentity, ticketBarred, ticketUnknown}, ticket.Reasons...) {
		t.refused[reason] = new(atomic.Int64)
	}
	t.configure(cfg)
	return t
}

// problems are what is wrong with the keys.
func (cfg *Tickets) problems() (problems []error) {
	if cfg.Off && len(cfg.Keys) > 0 {
		problems = append(problems, errors.New("tickets: there are keys, and tickets are off: want one of them"))
	}
	return append(problems, ticket.CheckKeys(cfg.Keys)...)
}

// configure replaces the keys.
func (t *tickets) configure(cfg Tickets) {
	keys := cfg.Keys
	if len(keys) == 0 {
		keys = []ticket.Key{t.own}
	}
	if cfg.Off {
		t.box.Store(nil)
		return
	}
	t.box.Store(ticket.NewBox(keys))
}

// stats are what was counted.
func (t *tickets) stats() metrics.Tickets {
	s := metrics.Tickets{Issued: t.issued.Load(), Taken: t.taken.Load(), Refused: make(map[string]int64, len(t.refused))}
	for reason, n := range t.refused {
		s.Refused[reason] = n.Load()
	}
	return s
}

// run has clients get new tickets until the server has ended.
func (t *tickets) run(tick time.Duration, now func() time.Time, done <-chan struct{}) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			t.sweep(now())
		case <-done:
			return
		}
	}
}

// sweep has all look after their tickets whose time has come by now. Each is told once, and asks to be told again.
func (t *tickets) sweep(now time.Time) {
	var due []*reactor.Conn
	t.mu.Lock()
	for len(t.queue) > 0 && t.queue[0].due <= now.UnixMilli() {
		due = append(due, heap.Pop(&t.queue).(*holder).conn)
	}
	t.mu.Unlock()
	for _, c := range due {
		c.Post(func(c *reactor.Conn) { c.Context().(*session).renewTicket(c) })
	}
}

// schedule has h told at the time, and not before.
func (t *tickets) schedule(h *holder, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	h.due = at.UnixMilli()
	if h.heapIndex > 0 {
		heap.Fix(&t.queue, h.heapIndex-1)
		return
	}
	heap.Push(&t.queue, h)
}

// leave forgets h.
func (t *tickets) leave(h *holder) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if h.heapIndex > 0 {
		heap.Remove(&t.queue, h.heapIndex-1)
	}
}

// A ticket is replaced between the two ages, half its life at most: not for all clients at once, though all may have come together.
const (
	earliestRenewal = ticket.Life * 4 / 10
	latestRenewal   = ticket.Life / 2
)

// renewal is when a ticket is replaced that was issued then.
func renewal(issued time.Time) time.Time {
	return issued.Add(earliestRenewal + rand.N(latestRenewal-earliestRenewal))
}

// dueTickets is a heap of who holds a ticket, the next one due first.
type dueTickets []*holder

func (q dueTickets) Len() int           { return len(q) }
func (q dueTickets) Less(i, j int) bool { return q[i].due < q[j].due }
func (q dueTickets) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].heapIndex, q[j].heapIndex = i+1, j+1
}

// Push implements heap.Interface.
func (q *dueTickets) Push(x any) {
	*q = append(*q, x.(*holder))
	x.(*holder).heapIndex = len(*q)
}

// Pop implements heap.Interface.
func (q *dueTickets) Pop() any {
	last := len(*q) - 1
	h := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	h.heapIndex = 0
	return h
}
