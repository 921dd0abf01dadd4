package loadtest

import (
	"fmt"
	"math"
	"testing"
)

func TestBisection(t *testing.T) {
	upTo := func(limit float64) func(float64, int) bool {
		return func(v float64, _ int) bool { return v <= limit }
	}
	cases := []struct {
		name     string
		from, to float64
		whole    bool
		rounds   int
		confirm  bool
		server   func(value float64, try int) bool // try counts all
		outcome  SearchOutcome
		limit    float64 // of the server
		most     int     // tries
	}{
		{"monotone", 1, 1e6, false, 1, false, upTo(777), SearchFound, 777, 15},
		{"monotone, confirmed", 1, 1e6, false, 1, true, upTo(777), SearchFound, 777, 20},
		{"three rounds", 1, 1e6, false, 3, false, upTo(777), SearchFound, 777, 32},
		{"two rounds, confirmed", 1, 1e6, false, 2, true, upTo(777), SearchFound, 777, 45},
		{"cliff at the top", 10, 1000, true, 1, true, upTo(999), SearchFound, 999, 16},
		{"whole", 1, 100, true, 1, false, upTo(7), SearchFound, 7, 10},
		{"never", 5, 100, false, 1, true, upTo(1), SearchNever, 0, 2},
		{"always", 5, 100, false, 1, true, upTo(1000), SearchAlways, 100, 6},
		{"from is to", 5, 5, false, 1, true, upTo(10), SearchAlways, 5, 1},
		{"every third try fails", 1, 1e6, false, 1, true,
			func(v float64, try int) bool { return v <= 777 && try%3 != 2 }, SearchFound, 777, 30},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBisection(c.from, c.to, 0.05, c.whole, c.rounds, c.confirm)
			tries := 0
			for {
				value, _, more := b.next()
				if !more {
					break
				}
				if value < c.from || value > c.to || c.whole && value != math.Round(value) {
					t.Fatalf("tries %g", value)
				}
				b.note(c.server(value, tries))
				if tries++; tries > c.most {
					t.Fatalf("more than %d tries; between %g and %g", c.most, b.good, b.bad)
				}
			}
			near := b.good <= c.limit && b.good >= c.limit/1.06
			if b.outcome != c.outcome || !near {
				t.Errorf("%s at %g after %d tries, want %s at %g", b.outcome, b.good, tries, c.outcome, c.limit)
			}
		})
	}
}

// TestBisectionIsDeterministic: equal answers give equal questions.
func TestBisectionIsDeterministic(t *testing.T) {
	questions := func() (asked string) {
		b := newBisection(3, 1e5, 0.05, false, 1, true)
		for i := 0; ; i++ {
			value, tries, more := b.next()
			if !more {
				return asked
			}
			asked += fmt.Sprint(value, tries, " ")
			b.note(i%5 != 4)
		}
	}
	if a, b := questions(), questions(); a != b {
		t.Errorf("%s and then %s", a, b)
	}
}

// TestBisectionEnds with any answers.
func TestBisectionEnds(t *testing.T) {
	for answers := range uint64(2000) {
		answers *= 0x9e3779b97f4a7c15
		b := newBisection(1, 1e7, 0.001, answers%2 == 0, int(answers>>1%4)+1, answers>>3%2 == 0)
		for i := 0; i < 500; i++ {
			if _, _, more := b.next(); !more {
				break
			}
			b.note(answers>>(i%64)&1 == 0)
		}
		if b.outcome == SearchUnfinished {
			t.Fatalf("answers %x: not at an end", answers)
		}
	}
}
