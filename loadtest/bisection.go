package loadtest

import "math"

// bisection looks for the highest value at which steps pass: it doubles up until one fails, then halves what lies between on a
// logarithmic scale. It runs nothing and knows no clock: next says what to try, note takes what came of it.
//
// A value is tried as often as rounds say; most of them decide. Where that is a failure, and confirm is set, one more try has
// the last word, so that a hiccup is not taken for a limit.
type bisection struct {
	from, to  float64
	precision float64 // share of the value that is good enough
	whole     bool    // values are whole numbers
	rounds    int
	confirm   bool

	good, bad      float64 // the highest that passed, the lowest that failed above it; 0: none yet
	current        float64
	passed, failed int // tries of current
	outcome        SearchOutcome
}

// SearchOutcome says how a search ended.
type SearchOutcome string

// The outcomes of a search.
const (
	// SearchFound: the limit lies between two values that were tried.
	SearchFound SearchOutcome = "found"
	// SearchNever: not even the lowest value passed.
	SearchNever SearchOutcome = "never"
	// SearchAlways: the highest value passed.
	SearchAlways SearchOutcome = "always"
	// SearchUnfinished: it was interrupted.
	SearchUnfinished SearchOutcome = "unfinished"
)

func newBisection(from, to, precision float64, whole bool, rounds int, confirm bool) *bisection {
	return &bisection{
		from: from, to: to, precision: precision, whole: whole, rounds: rounds, confirm: confirm,
		current: from, outcome: SearchUnfinished,
	}
}

// next is the value to try, and how often it was tried before; false where the search is over.
func (b *bisection) next() (value float64, tries int, more bool) {
	return b.current, b.passed + b.failed, b.outcome == SearchUnfinished
}

// note takes the result of a try of the current value.
func (b *bisection) note(passed bool) {
	if passed {
		b.passed++
	} else {
		b.failed++
	}
	most := b.rounds/2 + 1
	confirming := b.confirm && b.passed+b.failed > b.rounds || b.confirm && b.failed > most
	switch {
	case confirming:
		b.decide(passed)
	case b.passed >= most:
		b.decide(true)
	case b.failed >= most && !b.confirm:
		b.decide(false)
	case b.passed+b.failed >= b.rounds && b.failed < most:
		b.decide(false) // an even number of rounds, in two minds
	}
}

// decide goes on to the next value.
func (b *bisection) decide(passed bool) {
	b.passed, b.failed = 0, 0
	if passed {
		b.good = b.current
	} else {
		b.bad = b.current
	}
	switch {
	case b.good == 0:
		b.outcome = SearchNever
	case b.bad == 0 && b.good >= b.to:
		b.outcome = SearchAlways
	case b.bad == 0:
		b.current = min(2*b.good, b.to)
	case b.bad/b.good <= 1+b.precision || b.whole && b.bad-b.good <= 1:
		b.outcome = SearchFound
	default:
		b.current = between(b.good, b.bad, b.whole)
		if b.current <= b.good || b.current >= b.bad {
			b.outcome = SearchFound
		}
	}
}

// between is the geometric mean, rounded so that people can read it.
func between(low, high float64, whole bool) float64 {
	middle := math.Sqrt(low * high)
	if whole {
		return math.Round(middle)
	}
	for digits := 3; digits < 15; digits++ {
		scale := math.Pow(10, float64(digits)-math.Ceil(math.Log10(middle)))
		if v := math.Round(middle*scale) / scale; v > low && v < high {
			return v
		}
	}
	return middle
}
