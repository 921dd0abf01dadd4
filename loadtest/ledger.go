package loadtest

import "slices"

// ledger keeps, for each subscriber and publisher, what arrived; lives.go has the rules where a subscriber ends and comes
// back. The ordinary delivery costs one comparison and one
// addition in a flat array of 4 bytes per subscriber and publisher; holes are kept aside, as ranges, until they are filled.
type ledger struct {
	publishers int
	next       []uint32          // by subscriber*publishers + publisher: one more than the highest sequence seen
	holes      map[uint64][]span // same key: sequences below next that have not arrived
	missing    uint64            // sequences in holes that are owed for certain
	unsure     map[uint64]uint32 // same key: holes below that may be from before the life; nil without lives
	floor      []uint32          // same index, nil without lives: next is at least that, and more if something owed has arrived
	ended      []endedLife
	early      map[uint64][]span // same key: what came from before the life; see noteEarly
	sums       *publicationSums  // nil where nobody asks
	gaps       map[uint64]gap    // same key: breaks that were not recovered, while the life behind them lasts; nil without any
	closed     []closedGap
	doubt      int64        // how wrong the beginnings of lives may be, in ns
	topics     int          // a subscriber's accounts are about the streams of its topic
	topicOf    []uint32     // by subscriber; nil for a single topic
	counts     LedgerCounts // Received, Duplicated and Reordered grow as it goes; Lost is known at the end
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
	// Unrecovered deliveries, in a run with recovery, were acknowledged while the subscriber was away, and the server did not
	// bring them when it came back, as it said: expected, but not among the lost.
	Unrecovered uint64 `json:"unrecovered"`
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
	// BeforeLife deliveries are of publications from before the connection's subscription was confirmed: they may be had or
	// not, and are neither expected nor wrong. In a run without phases there are none.
	BeforeLife uint64 `json:"before_life"`
}

func newLedger(subscribers, publishers int) *ledger {
	return &ledger{
		publishers: publishers,
		next:       make([]uint32, subscribers*publishers),
		holes:      map[uint64][]span{},
		early:      map[uint64][]span{},
	}
}

// withTopics tells which subscriber is of which topic: its publishers are the streams of that one; see topicPlan.
func (l *ledger) withTopics(topics int, topicOf []uint32) { l.topics, l.topicOf = topics, topicOf }

// stream is the one that a subscriber's account is about. Where topics have different numbers of streams, there may be no such
// stream.
func (l *ledger) stream(subscriber, publisher int) int {
	if l.topicOf == nil {
		return publisher
	}
	return int(l.topicOf[subscriber]) + publisher*l.topics
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

// awaited is the sequence behind the highest that was seen.
func (l *ledger) awaited(subscriber, publisher int) uint32 {
	return l.next[subscriber*l.publishers+publisher]
}

func (l *ledger) noteOutOfOrder(key int, sequence uint32) bool {
	if next := l.next[key]; sequence > next {
		l.holes[uint64(key)] = append(l.holes[uint64(key)], span{next, sequence})
		if l.floor != nil && next == l.floor[key] {
			l.unsure[uint64(key)] = sequence // the life's first: what is before it may not be owed
		}
		l.missing += l.surely(key, span{next, sequence})
		l.next[key] = sequence + 1
		return true
	}
	holes := l.holes[uint64(key)]
	for i, h := range holes {
		if sequence < h.from || sequence >= h.to {
			continue
		}
		l.holes[uint64(key)] = slices.Replace(holes, i, i+1, h.without(sequence)...)
		l.missing -= l.surely(key, span{sequence, sequence + 1})
		l.counts.Reordered++
		return true
	}
	l.counts.Duplicated++
	return false
}

// surely is how many of a hole are missing for certain, and not perhaps from before the life.
func (l *ledger) surely(key int, h span) uint64 {
	if h.to <= l.unsure[uint64(key)] {
		return 0
	}
	return uint64(h.to - h.from)
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
	// Times are the intended times by sequence, in ns after the epoch, never falling; workers have them in a run with phases only.
	Times []int64 `json:"times,omitempty"`
}

// unknown says whether that one got no clear answer.
func (t *publisherTotals) unknown(sequence uint32) bool {
	_, found := slices.BinarySearch(t.Unknown, sequence)
	return found
}

// settle adds one subscriber's deliveries to the counts: what each stream of its topic had acknowledged was expected. totals
// are by stream.
func (l *ledger) settle(subscriber int, totals []publisherTotals) {
	l.settleSince(subscriber, beforeAll, totals)
}

// beforeAll is a time before every publication.
const beforeAll = int64(-1)

// settleSince does it for a subscriber whose life began at that time and lasts: what was intended before is not expected.
func (l *ledger) settleSince(subscriber int, ready int64, totals []publisherTotals) {
	for publisher := range l.publishers {
		stream := l.stream(subscriber, publisher)
		if stream >= len(totals) {
			break
		}
		t, key := totals[stream], subscriber*l.publishers+publisher
		missing := l.holes[uint64(key)]
		if next := l.next[key]; next < t.Sent {
			missing = append(slices.Clip(missing), span{next, t.Sent})
		}
		l.account(stream, t, span{t.owedSince(ready + l.doubt), t.Sent}, missing)
	}
}

// account books what one stream owed one life, and what of it is missing. Missing may reach beyond what was owed.
func (l *ledger) account(stream int, t publisherTotals, owed span, missing []span) {
	if owed.from >= owed.to {
		return
	}
	lost, lostUnknown := uint64(0), uint64(0)
	for _, h := range missing {
		if h = h.within(owed); h.from < h.to {
			lost += uint64(h.to - h.from)
			lostUnknown += countWithin(t.Unknown, h)
			l.sums.lost(stream, h)
		}
	}
	l.sums.owed(stream, owed)
	unknown := countWithin(t.Unknown, owed)
	expected := uint64(owed.to-owed.from) - unknown
	lost -= lostUnknown
	l.counts.Expected += expected
	l.counts.Lost += lost
	l.counts.Received += expected - lost
	l.counts.Unconfirmed += unknown - lostUnknown
}

// within is the part of the span that lies in another.
func (h span) within(o span) span { return span{max(h.from, o.from), min(h.to, o.to)} }

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
	c.Unrecovered += o.Unrecovered
	c.Duplicated += o.Duplicated
	c.Reordered += o.Reordered
	c.Corrupted += o.Corrupted
	c.Misdelivered += o.Misdelivered
	c.Unconfirmed += o.Unconfirmed
	c.BeforeLife += o.BeforeLife
}

// clean says whether everything expected arrived once, in order, and as it was sent.
func (c *LedgerCounts) clean() bool {
	return c.Lost+c.Unrecovered+c.Duplicated+c.Reordered+c.Corrupted+c.Misdelivered == 0
}
