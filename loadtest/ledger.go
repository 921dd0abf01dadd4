package loadtest

import "slices"

// ledger keeps, for each subscriber and publisher, what arrived. The ordinary delivery costs one comparison and one
// addition in a flat array of 4 bytes per subscriber and publisher; holes are kept aside, as ranges, until they are filled.
type ledger struct {
	publishers int
	next       []uint32          // by subscriber*publishers + publisher: one more than the highest sequence seen
	holes      map[uint64][]span // same key: sequences below next that have not arrived
	missing    uint64            // sequences in holes
	counts     LedgerCounts      // Received, Duplicated and Reordered grow as it goes; Lost is known at the end
}

// span is the sequences from, from+1, … to-1.
type span struct{ from, to uint32 }

// LedgerCounts sums up the deliveries of a run. A delivery is one publication to one subscriber.
type LedgerCounts struct {
	// Expected is acknowledged publications times established subscribers.
	Expected uint64 `json:"expected"`
	// Received counts each expected delivery once.
	Received uint64 `json:"received"`
	// Lost deliveries were acknowledged to the publisher and never arrived.
	Lost uint64 `json:"lost"`
	// Duplicated deliveries arrived a second time.
	Duplicated uint64 `json:"duplicated"`
	// Reordered deliveries arrived after a later one of the same publisher.
	Reordered uint64 `json:"reordered"`
	// Corrupted messages carried a stamp that is not what was sent.
	Corrupted uint64 `json:"corrupted"`
	// Misdelivered messages were meant for another connection (Echo) or the subscribers of another topic (Fanout).
	Misdelivered uint64 `json:"misdelivered"`
	// Unconfirmed deliveries arrived though the publisher got no clear answer; they are neither expected nor wrong.
	Unconfirmed uint64 `json:"unconfirmed"`
}

func newLedger(subscribers, publishers int) *ledger {
	return &ledger{
		publishers: publishers,
		next:       make([]uint32, subscribers*publishers),
		holes:      map[uint64][]span{},
	}
}

// note records an arrival. It returns false for a duplicate.
func (l *ledger) note(subscriber, publisher int, sequence uint32) bool {
	key := subscriber*l.publishers + publisher
	if sequence == l.next[key] {
		l.next[key]++
		return true
	}
	return l.noteOutOfOrder(key, sequence)
}

func (l *ledger) noteOutOfOrder(key int, sequence uint32) bool {
	if next := l.next[key]; sequence > next {
		l.holes[uint64(key)] = append(l.holes[uint64(key)], span{next, sequence})
		l.missing += uint64(sequence - next)
		l.next[key] = sequence + 1
		return true
	}
	holes := l.holes[uint64(key)]
	for i, h := range holes {
		if sequence < h.from || sequence >= h.to {
			continue
		}
		l.holes[uint64(key)] = slices.Replace(holes, i, i+1, h.without(sequence)...)
		l.missing--
		l.counts.Reordered++
		return true
	}
	l.counts.Duplicated++
	return false
}

// without returns what is left of the span.
func (h span) without(sequence uint32) []span {
	var rest []span
	if h.from < sequence {
		rest = append(rest, span{h.from, sequence})
	}
	if sequence+1 < h.to {
		rest = append(rest, span{sequence + 1, h.to})
	}
	return rest
}

// publisherTotals says what one publisher sent, for the settling of accounts.
type publisherTotals struct {
	Sent    uint32   `json:"sent"`              // sequences used: 0 … Sent-1
	Unknown []uint32 `json:"unknown,omitempty"` // those of them without a clear answer, ascending
}

// settle adds one subscriber's deliveries to the counts: what each publisher had acknowledged was expected.
func (l *ledger) settle(subscriber int, totals []publisherTotals) {
	for publisher, t := range totals {
		key := subscriber*l.publishers + publisher
		missing := l.holes[uint64(key)]
		if next := l.next[key]; next < t.Sent {
			missing = append(slices.Clip(missing), span{next, t.Sent})
		}
		lost, lostUnknown := uint64(0), uint64(0)
		for _, h := range missing {
			lost += uint64(h.to - h.from)
			lostUnknown += countWithin(t.Unknown, h)
		}
		unknown := uint64(len(t.Unknown))
		expected := uint64(t.Sent) - unknown
		lost -= lostUnknown
		l.counts.Expected += expected
		l.counts.Lost += lost
		l.counts.Received += expected - lost
		l.counts.Unconfirmed += unknown - lostUnknown
	}
}

// countWithin counts the members of a sorted list that lie in h.
func countWithin(sorted []uint32, h span) uint64 {
	low, _ := slices.BinarySearch(sorted, h.from)
	high, _ := slices.BinarySearch(sorted, h.to)
	return uint64(high - low)
}

// add merges the counts of another worker.
func (c *LedgerCounts) add(o LedgerCounts) {
	c.Expected += o.Expected
	c.Received += o.Received
	c.Lost += o.Lost
	c.Duplicated += o.Duplicated
	c.Reordered += o.Reordered
	c.Corrupted += o.Corrupted
	c.Misdelivered += o.Misdelivered
	c.Unconfirmed += o.Unconfirmed
}

// clean says whether everything expected arrived once, in order, and as it was sent.
func (c *LedgerCounts) clean() bool {
	return c.Lost+c.Duplicated+c.Reordered+c.Corrupted+c.Misdelivered == 0
}
