package reactor

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/wsedge/wsedge/frame"
)

// lifeBooks count what a handler is told of the conns of a server, and see that each is told in order.
type lifeBooks struct {
	t             *testing.T
	opens, closes atomic.Int64
	lives         sync.Map // *Conn -> *life
}

// life is what was told of one conn, which is never two things at a time: the race detector would see it.
type life struct{ closed bool }

func (b *lifeBooks) open(c *Conn) {
	b.opens.Add(1)
	if _, known := b.lives.LoadOrStore(c, new(life)); known {
		b.t.Error("opened twice")
	}
}

func (b *lifeBooks) message(c *Conn) {
	if l, known := b.lives.Load(c); !known || l.(*life).closed {
		b.t.Error("a message of a conn that is not open")
	}
}

func (b *lifeBooks) close(c *Conn) {
	b.closes.Add(1)
	l, known := b.lives.Load(c)
	if !known || l.(*life).closed {
		b.t.Error("closed what is not open")
		return
	}
	l.(*life).closed = true
}

// Everybody opens, sends, subscribes, publishes, closes and panics while the server is shut down: what was opened is closed, once, and Dial says what became of it.
func TestRandomShutdowns(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) { randomShutdown(t, seed) })
	}
}

func randomShutdown(t *testing.T, seed uint64) {
	books := &lifeBooks{t: t}
	cfg := Config{Loops: 1 + int(seed%3), MaxConns: 40}
	if seed%2 == 0 {
		cfg.Handler = funcs{
			open:    func(c *Conn) { books.open(c); _ = c.Subscribe(c.Server().Topic("all")) },
			message: func(c *Conn, _ Opcode, payload []byte) { books.message(c); panicOn(payload) },
			close:   func(c *Conn, _ End) { books.close(c) },
		}
	} else {
		cfg.Workers.Goroutines = 1 + int(seed%5)
		cfg.Blocking = blockingFuncs{
			open:    func(c *BlockingConn) { books.open(c.Conn()); _ = c.Subscribe(c.Server().Topic("all")) },
			message: func(c *BlockingConn, text string) { books.message(c.Conn()); panicOn([]byte(text)) },
			close:   func(c *BlockingConn, _ End) { books.close(c.Conn()) },
		}
	}
	there := serve(t, Config{Handler: echo})
	s := serve(t, cfg)
	var busy sync.WaitGroup
	var dials atomic.Int64
	begun := make(chan struct{}, 200)
	for i := range 6 {
		busy.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(i)))
			for dialAndUse(t, s, there, rng, &dials) {
				select {
				case begun <- struct{}{}:
				default:
				}
			}
		})
	}
	for range 30 + 5*seed {
		<-begun
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	busy.Wait()
	if books.opens.Load() != books.closes.Load() || books.opens.Load() != dials.Load() {
		t.Errorf("%d opened, %d closed, %d dialed", books.opens.Load(), books.closes.Load(), dials.Load())
	}
	if n := s.Stats().Bridged; n != 0 {
		t.Errorf("%d bridges are left", n)
	}
}

func panicOn(payload []byte) {
	if string(payload) == "panic" {
		panic(string(payload))
	}
}

// dialAndUse dials and does something with the conn, from outside. It reports whether the server goes on.
func dialAndUse(t *testing.T, s, there *Server, rng *rand.Rand, dials *atomic.Int64) bool {
	o := DialOptions{}
	type wrapped struct{ net.Conn }
	if rng.IntN(3) == 0 {
		o.NetDial = through(func(c net.Conn) net.Conn { return wrapped{c} })
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if rng.IntN(4) == 0 {
		go cancel()
	}
	c, response, err := s.Dial(ctx, there.address("/"), dialing(o))
	switch {
	case errors.Is(err, ErrClosed):
		return false
	case errors.Is(err, ErrFull), errors.Is(err, context.Canceled):
		return true
	case err != nil || c == nil || response == nil:
		t.Errorf("%v, %v, %v", c, response, err)
		return false
	}
	dials.Add(1)
	r := c.Remote()
	for range rng.IntN(4) {
		_ = r.Send(frame.OpText, []byte("hello"))
	}
	switch rng.IntN(6) {
	case 0, 1, 2:
		_ = r.Close(4000, "enough")
	case 3:
		_ = r.Send(frame.OpText, []byte("panic"))
	case 4:
		_, _ = s.Topic("all").BroadcastExcept(c, frame.OpText, []byte("to all"))
	}
	return true
}
