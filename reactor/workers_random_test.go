package reactor

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// blockingBooks are what a random run has been told of one conn. They belong to its calls: the race detector sees two at a time.
type blockingBooks struct {
	opened, closed bool
	next           int // of the messages
}

// blockingRun is a BlockingHandler that dawdles, and keeps the books of what it is told and of what was done.
type blockingRun struct {
	t   *testing.T
	rng *rand.Rand
	s   *Server

	clients []*client
	sent    map[*client]int
	opened  int // conns
	all     int // messages

	mu                      sync.Mutex
	opens, messages, closes int // told
}

func (r *blockingRun) count(n *int) {
	r.mu.Lock()
	*n++
	r.mu.Unlock()
}

func (r *blockingRun) OnOpen(c *BlockingConn) {
	b := c.Context.(*blockingBooks)
	if b.opened || b.next > 0 || b.closed {
		r.t.Errorf("opened in %+v", *b)
	}
	b.opened = true
	r.count(&r.opens)
}

func (r *blockingRun) OnMessage(c *BlockingConn, _ Opcode, payload []byte) {
	b := c.Context.(*blockingBooks)
	if !b.opened || b.closed || string(payload) != strconv.Itoa(b.next) {
		r.t.Errorf("message %s in %+v", payload, *b)
	}
	b.next++
	if b.next%7 == 0 {
		time.Sleep(50 * time.Microsecond) // dawdles: what is right does not depend on it
	}
	r.count(&r.messages)
}

func (r *blockingRun) OnClose(c *BlockingConn, _ End) {
	b := c.Context.(*blockingBooks)
	if !b.opened || b.closed {
		r.t.Errorf("closed in %+v", *b)
	}
	b.closed = true
	r.count(&r.closes)
}

// Random sequences of opening, sending and leaving, with few goroutines: every conn has its calls one at a time, in order, each message that came once, OnOpen
// first and OnClose last.
func TestRandomBlockingSequences(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			r := &blockingRun{t: t, rng: rand.New(rand.NewPCG(seed, 3)), sent: map[*client]int{}}
			r.s = serve(t, Config{
				Loops: 1 + int(seed%3), Blocking: r, Workers: WorkerOptions{Goroutines: 1 + int(seed%4), ConnMaxMessages: 1000},
				Upgrade: func(*Conn, *Request) (Accept, error) { return Accept{Context: &blockingBooks{}}, nil },
			})
			for range 1000 {
				r.step()
			}
			r.finish()
		})
	}
}

func (r *blockingRun) step() {
	switch n := r.rng.IntN(20); {
	case n == 0 || len(r.clients) == 0:
		r.clients = append(r.clients, dial(r.t, r.s, "/"))
		r.opened++
	case n == 1:
		i := r.rng.IntN(len(r.clients))
		r.clients[i].send(frame.OpClose, "\x03\xe8")
		r.clients[i].wantClose(CloseNormal, "")
		r.clients = append(r.clients[:i], r.clients[i+1:]...)
	default:
		c := r.clients[r.rng.IntN(len(r.clients))]
		c.text(strconv.Itoa(r.sent[c]))
		r.sent[c]++
		r.all++
	}
}

// finish ends the server and compares the books.
func (r *blockingRun) finish() {
	eventually(r.t, "every message handled", func() bool { r.mu.Lock(); defer r.mu.Unlock(); return r.messages == r.all })
	for _, c := range r.clients {
		_ = c.Close()
	}
	if err := r.s.Shutdown(context.Background()); err != nil {
		r.t.Fatal(err)
	}
	if r.opens != r.opened || r.closes != r.opened || r.messages != r.all {
		r.t.Errorf("%d opens, %d closes of %d; %d messages of %d", r.opens, r.closes, r.opened, r.messages, r.all)
	}
	if w := r.s.Stats().Workers; w != (WorkerStats{}) || len(r.s.workers.conns) > 0 {
		r.t.Errorf("left: %+v, %d conns", w, len(r.s.workers.conns))
	}
}
