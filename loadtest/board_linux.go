package loadtest

import (
	"sync"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// publicationBoard is what all publishers of a run count on together. Safe from any goroutine.
type publicationBoard struct {
	clock clock

	// Guarded by mu.
	mu     sync.Mutex
	counts PublicationCounts
	ack    *hdrhistogram.Histogram // intended time to answer, within the window
	owed   uint64                  // deliveries of what was or may have been taken, with all subscribers there
	window window
}

func newBoard(c clock, w window) *publicationBoard {
	return &publicationBoard{
		clock: c, ack: newHistogram(), window: w,
		counts: PublicationCounts{Causes: map[string]uint64{}, Errors: newErrorCounts()},
	}
}

func (b *publicationBoard) update(change func(*PublicationCounts)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(&b.counts)
}

func (b *publicationBoard) scheduled() { b.update(func(c *PublicationCounts) { c.Scheduled++ }) }
func (b *publicationBoard) unsent()    { b.update(func(c *PublicationCounts) { c.Unsent++ }) }

// starting counts a publication that is sent after its time: held, if something was in the way, or late.
func (b *publicationBoard) starting(intended int64, held bool) {
	if b.clock.now()-intended <= lateAfter {
		return
	}
	b.update(func(c *PublicationCounts) {
		if held {
			c.Held++
		} else {
			c.Late++
		}
	})
}

func (b *publicationBoard) acknowledged(intended int64, subscribers int) {
	now := b.clock.now()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts.Acknowledged++
	b.owed += uint64(subscribers)
	if b.window.measures(intended) {
		record(b.ack, now-intended)
	}
}

func (b *publicationBoard) reconnected() { b.update(func(c *PublicationCounts) { c.Reconnects++ }) }

// deliveries is how many there should be by now, if all subscribers are there.
func (b *publicationBoard) deliveries() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.owed
}

func (b *publicationBoard) refused(f failure) {
	b.update(func(c *PublicationCounts) { c.Refused++; c.note(f) })
}

func (b *publicationBoard) unknown(f failure, subscribers int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts.Unknown++
	b.counts.note(f)
	b.owed += uint64(subscribers)
}

func (b *publicationBoard) failed(f failure) {
	b.update(func(c *PublicationCounts) { c.Failed++; c.note(f) })
}

// snapshot returns the counts; its maps are shared and may only be read after the run.
func (b *publicationBoard) snapshot() PublicationCounts {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.counts
}
