package loadtest

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func TestLedger(t *testing.T) {
	cases := []struct {
		name     string
		arrivals []uint32
		totals   publisherTotals
		want     LedgerCounts
	}{
		{"all in order", []uint32{0, 1, 2}, publisherTotals{Sent: 3}, LedgerCounts{Expected: 3, Received: 3}},
		{"nothing", nil, publisherTotals{Sent: 2}, LedgerCounts{Expected: 2, Lost: 2}},
		{"tail missing", []uint32{0}, publisherTotals{Sent: 3}, LedgerCounts{Expected: 3, Received: 1, Lost: 2}},
		{"head missing", []uint32{2}, publisherTotals{Sent: 3}, LedgerCounts{Expected: 3, Received: 1, Lost: 2}},
		{"hole", []uint32{0, 3}, publisherTotals{Sent: 4}, LedgerCounts{Expected: 4, Received: 2, Lost: 2}},
		{"twice in a row", []uint32{0, 0, 1}, publisherTotals{Sent: 2}, LedgerCounts{Expected: 2, Received: 2, Duplicated: 1}},
		{"twice, later", []uint32{0, 1, 2, 1}, publisherTotals{Sent: 3}, LedgerCounts{Expected: 3, Received: 3, Duplicated: 1}},
		{"swapped", []uint32{1, 0, 2}, publisherTotals{Sent: 3}, LedgerCounts{Expected: 3, Received: 3, Reordered: 1}},
		{"hole filled from its middle", []uint32{5, 2, 2, 0, 4, 3, 1}, publisherTotals{Sent: 6},
			LedgerCounts{Expected: 6, Received: 6, Reordered: 5, Duplicated: 1}},
		{"unknown one arrives", []uint32{0, 1, 2}, publisherTotals{Sent: 3, Unknown: []uint32{1}},
			LedgerCounts{Expected: 2, Received: 2, Unconfirmed: 1}},
		{"unknown one does not", []uint32{0, 2}, publisherTotals{Sent: 4, Unknown: []uint32{1, 3}},
			LedgerCounts{Expected: 2, Received: 2}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l := newLedger(2, 2)
			for _, sequence := range c.arrivals {
				l.note(1, 1, sequence)
			}
			l.settle(1, []publisherTotals{{}, c.totals})
			if l.counts != c.want {
				t.Errorf("got %+v, want %+v", l.counts, c.want)
			}
		})
	}
}

// naiveLedger remembers everything.
type naiveLedger struct {
	seen    map[uint32]int
	highest int64
	counts  LedgerCounts
}

func (n *naiveLedger) note(sequence uint32) {
	switch {
	case n.seen[sequence] > 0:
		n.counts.Duplicated++
	case int64(sequence) < n.highest:
		n.counts.Reordered++
	}
	n.seen[sequence]++
	n.highest = max(n.highest, int64(sequence))
}

func (n *naiveLedger) settle(t publisherTotals) {
	unknown := map[uint32]bool{}
	for _, sequence := range t.Unknown {
		unknown[sequence] = true
	}
	for sequence := range t.Sent {
		switch arrived := n.seen[sequence] > 0; {
		case unknown[sequence] && arrived:
			n.counts.Unconfirmed++
		case unknown[sequence]:
		case arrived:
			n.counts.Expected++
			n.counts.Received++
		default:
			n.counts.Expected++
			n.counts.Lost++
		}
	}
}

func TestLedgerAgainstOneThatRemembersEverything(t *testing.T) {
	for seed := range uint64(300) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			const subscribers, publishers, sent = 3, 2, 40
			l := newLedger(subscribers, publishers)
			naive := [subscribers * publishers]naiveLedger{}
			for i := range naive {
				naive[i] = naiveLedger{seen: map[uint32]int{}, highest: -1}
			}
			for range random.IntN(400) {
				subscriber, publisher := random.IntN(subscribers), random.IntN(publishers)
				n := &naive[subscriber*publishers+publisher]
				// Mostly the next one, now and then one from around it.
				sequence := uint32(max(0, min(sent-1, n.highest+1)))
				if random.IntN(3) == 0 {
					sequence = uint32(random.IntN(sent))
				}
				l.note(subscriber, publisher, sequence)
				n.note(sequence)
			}
			totals := []publisherTotals{{Sent: sent, Unknown: []uint32{3, 17, 39}}, {Sent: sent}}
			var want LedgerCounts
			for subscriber := range subscribers {
				l.settle(subscriber, totals)
				for publisher := range publishers {
					n := &naive[subscriber*publishers+publisher]
					n.settle(totals[publisher])
					want.add(n.counts)
				}
			}
			if l.counts != want {
				t.Errorf("got %+v, want %+v", l.counts, want)
			}
		})
	}
}

func TestLedgerAllocatesNothingInOrder(t *testing.T) {
	l := newLedger(10, 2)
	sequence := uint32(0)
	if n := testing.AllocsPerRun(1000, func() {
		l.note(7, 1, sequence)
		sequence++
	}); n != 0 {
		t.Errorf("%v allocations per delivery", n)
	}
}
