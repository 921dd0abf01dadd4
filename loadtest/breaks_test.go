package loadtest

import (
	"slices"
	"testing"
)

// A recovered break is none: the account goes on. What did not come is lost, what came again is a duplicate.
func TestARecoveredBreakIsNone(t *testing.T) {
	l, totals := newLedger(1, 1).withLives(), []publisherTotals{{Sent: 10, Times: []int64{0, 10, 20, 30, 40, 50, 60, 70, 80, 90}}}
	l.begin(0, func(int) uint32 { return 2 })
	for _, sequence := range []uint32{2, 3, 4 /* the break */, 6, 6, 5, 8, 9} {
		l.note(0, 0, sequence)
	}
	l.settleSince(0, 15, totals)
	l.settleGaps(totals)
	if want := (LedgerCounts{Expected: 8, Received: 7, Lost: 1, Duplicated: 1, Reordered: 1}); l.counts != want {
		t.Errorf("got %+v, want %+v", l.counts, want)
	}
}

// Of a break that was not recovered, what was owed until the return and never came is unrecovered: but for what came after all,
// and what was never confirmed.
func TestABreakThatWasNotRecovered(t *testing.T) {
	totals := []publisherTotals{{Sent: 10, Unknown: []uint32{6}, Times: []int64{0, 10, 20, 30, 40, 50, 60, 70, 80, 90}}}
	for _, c := range []struct {
		name  string
		then  func(l *ledger)
		doubt int64
		want  LedgerCounts
	}{
		{"back at 75", func(l *ledger) {
			l.breakOff(0, 15, 75)
			l.begin(0, func(int) uint32 { return 0 })
			l.noteEarly(0, 0, 5) // it was under way
			l.note(0, 0, 8)
			l.note(0, 0, 9)
			l.settleSince(0, 75, []publisherTotals{totals[0]})
		}, 0, LedgerCounts{Expected: 6, Received: 4, Lost: 1, Unrecovered: 1, BeforeLife: 1}}, // 2 to 4, 7, 8 and 9
		{"twice", func(l *ledger) {
			l.breakOff(0, 15, 55)
			l.begin(0, func(int) uint32 { return 0 })
			l.breakOff(0, 55, 85)
			l.begin(0, func(int) uint32 { return 9 })
			l.note(0, 0, 9)
			l.settleSince(0, 85, totals)
		}, 0, LedgerCounts{Expected: 7, Received: 3, Lost: 1, Unrecovered: 3}}, // 5, 7 and 8
		{"never back", func(l *ledger) { l.breakOff(0, 15, neverBack) }, 0, LedgerCounts{Expected: 7, Received: 2, Lost: 1, Unrecovered: 4}},
		{"doubt", func(l *ledger) {
			l.breakOff(0, 15, 75)
			l.begin(0, func(int) uint32 { return 0 })
			l.note(0, 0, 9)
			l.settleSince(0, 75, totals)
		}, 10, LedgerCounts{Expected: 4, Received: 2, Lost: 1, Unrecovered: 1}}, // 3 and 4; 5; and 9
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLedger(1, 1).withLives()
			l.doubt = c.doubt
			l.begin(0, func(int) uint32 { return 2 })
			l.note(0, 0, 2)
			l.note(0, 0, 4)
			l.sums = newPublicationSums(totals)
			c.then(l)
			l.settleEnded(totals, false)
			l.settleGaps(totals)
			if l.counts != c.want {
				t.Errorf("got %+v, want %+v", l.counts, c.want)
			}
			records := [][]publicationRecord{nil}
			l.sums.into(records, totals)
			sum := LedgerCounts{}
			for _, r := range records[0] {
				sum.Expected, sum.Lost, sum.Unrecovered = sum.Expected+uint64(r.Owed), sum.Lost+uint64(r.Lost), sum.Unrecovered+uint64(r.Unrecovered)
			}
			if sum.Expected != c.want.Expected || sum.Lost != c.want.Lost || sum.Unrecovered != c.want.Unrecovered {
				t.Errorf("the publications add up to %+v, want %+v", sum, c.want)
			}
		})
	}
}

func TestSpansExceptOthers(t *testing.T) {
	for _, c := range []struct {
		h      span
		others []span
		want   []span
	}{
		{span{2, 9}, nil, []span{{2, 9}}},
		{span{9, 2}, nil, nil},
		{span{2, 9}, []span{{0, 2}, {9, 12}}, []span{{2, 9}}},
		{span{2, 9}, []span{{7, 8}, {3, 5}}, []span{{2, 3}, {5, 7}, {8, 9}}},
		{span{2, 9}, []span{{0, 20}}, nil},
	} {
		if got := c.h.except(c.others); !slices.Equal(got, c.want) {
			t.Errorf("%v except %v: got %v, want %v", c.h, c.others, got, c.want)
		}
	}
}
