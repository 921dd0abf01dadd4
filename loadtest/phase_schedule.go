package loadtest

import (
	"math"
	"math/rand/v2"
)

// never is later than everything, in ns after the epoch.
const never = int64(math.MaxInt64)

// arrivalTimes tells when one message after the other is due.
type arrivalTimes interface{ next() int64 }

// phasedSchedule is the schedules of the phases one after the other.
type phasedSchedule struct {
	spans   []phaseSpan
	phases  []PhasePlan
	batch   int
	seed    uint64
	current arrivalTimes
	number  int // of the current phase
}

func newPhasedSchedule(phases []PhasePlan, start int64, batch int, seed uint64) *phasedSchedule {
	s := &phasedSchedule{spans: spansOf(phases, start), phases: phases, batch: batch, seed: seed, number: -1}
	s.advance()
	return s
}

// advance goes on to the next phase; each has random numbers of its own, so that a change in one leaves the others as they are.
func (s *phasedSchedule) advance() {
	s.number++
	if s.number == len(s.phases) {
		return
	}
	p, span := s.phases[s.number], s.spans[s.number]
	seed := s.seed + uint64(s.number)
	switch {
	case p.Rate.From == p.Rate.To && p.Rate.To == 0:
		s.current = silence{}
	case p.Rate.From == p.Rate.To:
		s.current = newSchedule(span.From, arrivalPlan{Arrivals: p.Arrivals, Rate: p.Rate.To, Batch: s.batch, Seed: seed})
	default:
		s.current = newRampSchedule(span, *p.Rate, s.batch, p.Arrivals.kind == arriveAtRandom, seed)
	}
}

// next returns never behind the last phase.
func (s *phasedSchedule) next() int64 {
	for s.number < len(s.phases) {
		if at := s.current.next(); at < s.spans[s.number].End {
			return at
		}
		s.advance()
	}
	return never
}

// silence has no messages.
type silence struct{}

func (silence) next() int64 { return never }

// rampSchedule is one whose rate changes in a straight line: r(t) = from + slope·t. By the time t there have been
// N(t) = from·t + slope·t²/2 messages, so that number n is due where N(t) = n. Random arrivals are those of a Poisson process
// with rate 1, taken through the same function.
type rampSchedule struct {
	start       int64
	from, slope float64 // batches per second, and per second squared
	length      float64 // seconds
	batch       int
	random      *rand.PCG
	left        int
	passed      float64 // N of the next batch
	at          int64
}

func newRampSchedule(span phaseSpan, r Ramp, batch int, random bool, seed uint64) *rampSchedule {
	batch = max(batch, 1)
	length := float64(span.End-span.From) / 1e9
	s := &rampSchedule{
		start: span.From, from: r.From / float64(batch), slope: (r.To - r.From) / float64(batch) / length, length: length, batch: batch,
	}
	if random {
		s.random = rand.NewPCG(seed, seedStream)
	}
	return s
}

func (s *rampSchedule) next() int64 {
	if s.left == 0 {
		s.left = s.batch
		if s.random != nil {
			s.passed += exponential(s.random)
		}
		if s.at = never; s.passed < s.from*s.length+s.slope*s.length*s.length/2 {
			s.at = s.start + int64(math.Round(s.when(s.passed)*1e9))
		}
		if s.random == nil {
			s.passed++
		}
	}
	s.left--
	return s.at
}

// when solves slope·t²/2 + from·t = n for t, in the form that loses no digits where slope is small.
func (s *rampSchedule) when(n float64) float64 {
	if n == 0 {
		return 0
	}
	return 2 * n / (s.from + math.Sqrt(max(0, s.from*s.from+2*s.slope*n)))
}

// exponential is a gap with mean 1.
func exponential(random *rand.PCG) float64 {
	return -math.Log1p(-float64(random.Uint64()>>11) / (1 << 53))
}
