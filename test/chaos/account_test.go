package main

import (
	"testing"
)

// talk is a channel with publications 1 to 9 at offsets 10 to 90, of which the client's account has been told the position 0.
func talk() (*ledger, *account) {
	l := newLedger([]string{"news"})
	c := l.channels["news"]
	for n := uint64(1); n <= 9; n++ {
		c.issued.Store(n)
		c.acknowledge(n, place{"e", n * 10})
	}
	a := &account{log: c, client: 7, node: "node1"}
	a.subscribed(place{"e", 0}, false)
	return l, a
}

// hear takes publications at their places.
func (a *account) hear(numbers ...uint64) {
	for _, n := range numbers {
		a.message(n, n*10)
	}
}

func TestAccount(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(a *account)
		want map[string]int
		told uint64
	}{
		{"all of it", func(a *account) { a.hear(1, 2, 3, 4, 5, 6, 7, 8, 9) }, nil, 0},
		{"one is missing", func(a *account) { a.hear(1, 2, 4, 5, 6, 7, 8, 9) }, map[string]int{silentGap: 1}, 0},
		{"the last are missing", func(a *account) { a.hear(1, 2) }, map[string]int{silentGap: 1}, 0},
		{"all are missing", func(*account) {}, map[string]int{silentGap: 1}, 0},
		{"one comes twice", func(a *account) { a.hear(1, 2, 2, 3, 4, 5, 6, 7, 8, 9) }, map[string]int{duplicate: 1}, 0},
		{"an old one comes again", func(a *account) { a.hear(1, 2, 3, 1, 4, 5, 6, 7, 8, 9) }, map[string]int{duplicate: 1}, 0},
		{"two are swapped", func(a *account) { a.hear(1, 3, 2, 4, 5, 6, 7, 8, 9) }, map[string]int{silentGap: 1, disorder: 1}, 0},
		{"a publication was made twice", func(a *account) {
			a.hear(1, 2)
			a.message(2, 25)
			a.hear(3, 4, 5, 6, 7, 8, 9)
		}, map[string]int{madeTwice: 2}, 0}, // it is elsewhere than acknowledged, and not the next
		{"a gap is announced", func(a *account) {
			a.hear(1, 2)
			a.gap(span{20, 50}, false)
			a.hear(5, 6, 7, 8, 9)
		}, nil, 2},
		{"a gap is announced, but not all of it", func(a *account) {
			a.hear(1, 2)
			a.gap(span{20, 40}, false)
			a.hear(5, 6, 7, 8, 9)
		}, map[string]int{silentGap: 1}, 1},
		{"what was announced as missing comes", func(a *account) {
			a.hear(1, 2)
			a.gap(span{20, 50}, false)
			a.hear(4, 5, 6, 7, 8, 9)
		}, map[string]int{disorder: 1}, 2},
		{"a gap that begins before what came", func(a *account) {
			a.hear(1, 2)
			a.gap(span{10, 30}, false)
			a.hear(3, 4, 5, 6, 7, 8, 9)
		}, map[string]int{unexpected: 1}, 0},
		{"a gap that is refilled", func(a *account) {
			a.hear(1, 2)
			a.gap(span{20, 50}, true)
			a.hear(3, 4, 5, 6, 7, 8, 9)
		}, nil, 0},
		{"recovered", func(a *account) {
			a.hear(1, 2)
			a.subscribed(place{"e", 90}, true)
			a.hear(3, 4, 5, 6, 7, 8, 9)
		}, nil, 0},
		{"recovered, but not all of it", func(a *account) {
			a.hear(1, 2)
			a.subscribed(place{"e", 90}, true)
			a.hear(5, 6, 7, 8, 9)
		}, map[string]int{silentGap: 1}, 0},
		{"not recovered", func(a *account) {
			a.hear(1, 2)
			a.subscribed(place{"e", 50}, false)
			a.hear(6, 7, 8, 9)
		}, nil, 3},
		{"not recovered, and then one is missing", func(a *account) {
			a.hear(1, 2)
			a.subscribed(place{"e", 50}, false)
			a.hear(7, 8, 9)
		}, map[string]int{silentGap: 1}, 3},
		{"subscribed late", func(a *account) {
			a.known = false
			a.subscribed(place{"e", 50}, false)
			a.hear(6, 7, 8, 9)
		}, nil, 0},
		{"subscribed late, and the first is missing", func(a *account) {
			a.known = false
			a.subscribed(place{"e", 50}, false)
			a.hear(7, 8, 9)
		}, map[string]int{silentGap: 1}, 0},
		{"the position goes back", func(a *account) {
			a.hear(1, 2, 3)
			a.subscribed(place{"e", 20}, true)
			a.hear(4, 5, 6, 7, 8, 9)
		}, map[string]int{wentBack: 1}, 0},
		{"the position goes back, and what came comes again", func(a *account) {
			a.hear(1, 2, 3)
			a.subscribed(place{"e", 20}, false)
			a.hear(3, 4, 5, 6, 7, 8, 9)
		}, map[string]int{wentBack: 1, duplicate: 1}, 0},
		{"the log was lost", func(a *account) {
			a.hear(1, 2, 3, 4, 5, 6, 7, 8, 9)
			a.subscribed(place{"f", 100}, false)
		}, map[string]int{epochChange: 1}, 0},
		{"recovered in another epoch", func(a *account) {
			a.hear(1, 2, 3, 4, 5, 6, 7, 8, 9)
			a.subscribed(place{"f", 90}, true)
		}, map[string]int{unexpected: 1}, 0},
		{"a message before the subscription", func(a *account) {
			a.hear(1, 2)
			a.live = false
			a.hear(3)
			a.live = true
			a.hear(3, 4, 5, 6, 7, 8, 9)
		}, map[string]int{unexpected: 1}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			l, a := talk()
			test.do(a)
			a.settle(10)
			l.want(t, test.want)
			if told := l.toldN.Load(); told != test.told {
				t.Errorf("%d told missing, want %d", told, test.told)
			}
		})
	}
}

// want wants these violations and no others.
func (l *ledger) want(t *testing.T, counts map[string]int) {
	t.Helper()
	if len(l.counts) != len(counts) {
		t.Errorf("%v, want %v: %+v", l.counts, counts, l.kept)
	}
	for kind, n := range counts {
		if l.counts[kind] != n {
			t.Errorf("%s: %d, want %d: %+v", kind, l.counts[kind], n, l.kept)
		}
	}
}

func TestAcknowledgements(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(c *channelLog)
		want map[string]int
	}{
		{"in order", func(c *channelLog) {
			c.acknowledge(1, place{"e", 10})
			c.acknowledge(2, place{"e", 11})
		}, nil},
		{"out of order", func(c *channelLog) {
			c.acknowledge(1, place{"e", 10})
			c.acknowledge(2, place{"e", 9})
		}, map[string]int{disorder: 1}},
		{"elsewhere than it came", func(c *channelLog) {
			c.locate(1, place{"e", 10}, violation{Client: 3})
			c.acknowledge(1, place{"e", 11})
		}, map[string]int{madeTwice: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLedger([]string{"news"})
			test.do(l.channels["news"])
			l.want(t, test.want)
		})
	}
}
