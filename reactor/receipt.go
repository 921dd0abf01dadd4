package reactor

import (
	"sync/atomic"

	"github.com/wsedge/wsedge/pool"
)

// Receipt says what has become of one publication, Publication.Receipt, with the conns that it was for: it was queued for them or
// dropped. Queued is what the socket has taken, or waits for its turn in the conn's output, or in a Joining; what becomes of that later
// is not its business. All methods are safe from any goroutine.
type Receipt struct {
	done chan struct{} // immutable; closed when nothing is on its way any more

	// Shared: atomic.
	parts     atomic.Int64 // that are not settled: one for Publish, and one for each post
	published atomic.Int64 // subscriptions that Publish has counted
	found     atomic.Int64 // subscriptions that the loops have found
	leftOut   atomic.Int64 // of those found: the excluded conn's, and of conns that get it by another topic
	queued    atomic.Int64
	lost      atomic.Int64 // of those that were queued: they were dropped before the receipt was done
}

// NewReceipt makes the receipt of one publication. Its Done is never closed if that is not published, or Publish fails.
func NewReceipt() *Receipt {
	r := &Receipt{done: make(chan struct{})}
	r.parts.Store(1)
	return r
}

// Done is closed once every loop has served the publication to its subscribers, or has ended. That takes no longer than a turn of each
// loop, but where a loop is stalled, a large topic takes several turns, or a form has a gap.
func (r *Receipt) Done() <-chan struct{} { return r.done }

// Counts is for how many conns the publication was, how many it was queued for, and how many do not get it: they left meanwhile, or were
// too slow for the topic's policy. After Done they are final, and matched is queued and dropped together: it is what Publish returned, or
// more where conns have subscribed before their loop came to it, without the excluded conn, and with each conn once that has it by a wide
// topic, too. Before, queued and dropped are what is known so far.
func (r *Receipt) Counts() (matched, queued, dropped int) {
	final := r.parts.Load() == 0
	matched = int(max(r.published.Load(), r.found.Load()) - r.leftOut.Load())
	if queued = int(max(r.queued.Load(), 0)); final {
		return matched, queued, matched - queued
	}
	return max(matched, queued), queued, int(min(r.lost.Load(), int64(max(matched-queued, 0))))
}

// expect adds a part. It does nothing, like all of these, where nobody has asked for a receipt.
func (r *Receipt) expect() {
	if r != nil {
		r.parts.Add(1)
	}
}

// settle ends a part. There is exactly one call for each.
func (r *Receipt) settle() {
	if r != nil && r.parts.Add(-1) == 0 {
		close(r.done)
	}
}

// settlePublish ends the part that Publish has kept, once all others are known.
func (r *Receipt) settlePublish(matched int) {
	if r != nil {
		r.published.Store(int64(matched))
		r.settle()
	}
}

// find counts subscriptions that a loop has found.
func (r *Receipt) find(n int) {
	if r != nil {
		r.found.Add(int64(n))
	}
}

// queue counts conns that it was queued for.
func (r *Receipt) queue(n int) {
	if r != nil {
		r.queued.Add(int64(n))
	}
}

// lose takes one of those back.
func (r *Receipt) lose() {
	r.queued.Add(-1)
	r.lost.Add(1)
}

// leaveOut counts a conn that it is not for.
func (r *Receipt) leaveOut() {
	if r != nil {
		r.leftOut.Add(1)
	}
}

// receipts are the open ones of a loop, by the bytes that its conns may have waiting: so nothing has to be kept with those. The zero value
// is empty.
type receipts struct {
	byBytes map[*pool.Shared]*tracked
	served  []servedBytes // in this turn
}

// tracked is what goes with some bytes.
type tracked struct {
	of     []*Receipt // of each publication in them
	uses   int        // arrivals, or batches, that have them
	joined bool       // they are a batch's; else each use is a part of a receipt
}

// servedBytes is an arrival, or the joined bytes of a batch, that nobody is served any more.
type servedBytes struct {
	shared  *pool.Shared
	receipt *Receipt // nil for joined bytes
}

// track begins to watch bytes, and keeps them: no others can be in their place meanwhile.
func (o *receipts) track(shared *pool.Shared, joined bool, of ...*Receipt) {
	t := o.byBytes[shared]
	if t == nil {
		if o.byBytes == nil {
			o.byBytes = make(map[*pool.Shared]*tracked)
		}
		t = &tracked{of: of, joined: joined}
		o.byBytes[shared] = t
		shared.Retain()
	}
	t.uses++
}

func (o *receipts) untrack(shared *pool.Shared) {
	t := o.byBytes[shared]
	if t.uses--; t.uses > 0 {
		return
	}
	if delete(o.byBytes, shared); len(o.byBytes) == 0 {
		o.byBytes = nil
	}
	shared.Release()
}

// trackBatch watches the joined bytes of a batch, if it has publications with receipts.
func (o *receipts) trackBatch(b *batch) {
	var of []*Receipt
	for i := range b.parts {
		if r := b.parts[i].receipt; r != nil {
			of = append(of, r)
		}
	}
	if len(of) > 0 {
		o.track(b.shared, true, of...)
	}
}

// serve notes that an arrival has reached all that it can.
func (o *receipts) serve(a *arrival) {
	if a.receipt != nil {
		o.served = append(o.served, servedBytes{a.shared, a.receipt})
	}
}

// serveBatch notes the same of a batch, without its parts.
func (o *receipts) serveBatch(b *batch) {
	if o.byBytes != nil && b.newest != nil && o.byBytes[b.shared] != nil {
		o.served = append(o.served, servedBytes{shared: b.shared})
	}
}

// queue counts n conns that have been given the batch. Those that some publication leaves out are taken back by leaveOut.
func (b *batch) queue(n int) {
	for i := range b.parts {
		b.parts[i].receipt.queue(n)
	}
}

// leaveOut is for a conn of those that a publication of a batch is not for.
func (a *arrival) leaveOut() {
	a.receipt.queue(-1)
	a.receipt.leaveOut()
}

// lost notes that a conn does not get bytes that were queued for it.
func (o *receipts) lost(shared *pool.Shared) {
	if o.byBytes == nil {
		return
	}
	if t := o.byBytes[shared]; t != nil {
		for _, r := range t.of {
			r.lose()
		}
	}
}

// lostOlder notes that a conn gets the newest publication of e alone.
func (o *receipts) lostOlder(e *entry) {
	if o.byBytes == nil {
		return
	}
	o.lost(e.shared)
	if t := o.byBytes[e.newest]; t != nil {
		for _, r := range t.of {
			r.queue(1)
			r.lost.Add(-1)
		}
	}
}

// settle ends the parts that were served in this turn, now that its output has gone where it goes.
func (o *receipts) settle() {
	for _, s := range o.served {
		o.untrack(s.shared)
		s.receipt.settle()
	}
	o.served = emptied(o.served)
}

// end settles what is left, because the loop has ended: nobody gets it any more.
func (o *receipts) end() {
	o.settle()
	for shared, t := range o.byBytes {
		for ; t.uses > 0 && !t.joined; t.uses-- {
			t.of[0].settle()
		}
		shared.Release()
	}
	o.byBytes = nil
}
