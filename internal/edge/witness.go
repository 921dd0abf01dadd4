package edge

import (
	"sync"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
)

const (
	// witnessed bounds the receipts of other nodes' publications that are remembered, some 300 B each, and witnessLife for how long. Who asks, asks within milliseconds.
	witnessed   = 10_000
	witnessLife = 5 * time.Second
)

// delivery is one publication.
type delivery struct {
	Channel string `json:"channel"`
	Epoch   string `json:"epoch"`
	Offset  uint64 `json:"offset"`
}

// witness remembers what has become here of publications that somebody may ask about. Safe from any goroutine.
type witness struct {
	engine broker.Witnessed // immutable

	// Guarded by mu.
	mu      sync.Mutex
	of      map[delivery]*sighting
	ordered []*sighting // by their age
}

// sighting is a publication that has come, or is waited for.
type sighting struct {
	what  delivery
	since time.Time
	came  chan struct{}
	// receipt is not to be read before came is closed.
	receipt broker.Receipt
}

func newWitness(engine broker.Witnessed) *witness {
	w := &witness{engine: engine, of: make(map[delivery]*sighting)}
	engine.Witness(w.see)
	return w
}

// see takes what has come.
func (w *witness) see(channel string, at broker.Position, r broker.Receipt) {
	if r == nil {
		r = broker.Settled{}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := w.sighting(delivery{channel, at.Epoch, at.Offset})
	if seen.receipt == nil {
		seen.receipt = r
		close(seen.came)
	}
}

// sighting is the one of a publication, made if need be. The caller holds mu.
func (w *witness) sighting(what delivery) *sighting {
	now := time.Now()
	for len(w.ordered) > 0 && (len(w.ordered) >= witnessed || now.Sub(w.ordered[0].since) > witnessLife) {
		delete(w.of, w.ordered[0].what)
		w.ordered[0] = nil
		w.ordered = w.ordered[1:]
	}
	seen := w.of[what]
	if seen == nil {
		seen = &sighting{what: what, since: now, came: make(chan struct{})}
		w.of[what] = seen
		w.ordered = append(w.ordered, seen)
	}
	return seen
}

// receipt waits for the receipt of a publication, until over; nil: it has not come. What will not be delivered here has nobody who gets it.
func (w *witness) receipt(what delivery, over <-chan time.Time) broker.Receipt {
	awaited := w.engine.Awaits(what.Channel, broker.Position{Epoch: what.Epoch, Offset: what.Offset}) // before it is looked for: it may come in between
	w.mu.Lock()
	seen := w.of[what]
	if seen == nil && awaited {
		seen = w.sighting(what)
	}
	w.mu.Unlock()
	if seen == nil {
		return broker.Settled{}
	}
	select {
	case <-seen.came:
		return seen.receipt
	case <-over:
		return nil
	}
}
