package loadtest

import (
	"math"
	"math/rand/v2"
)

// schedule is the open loop: it tells when one message after the other is due, which does not depend on what the server
// does. Equal plans give equal schedules, in every process. It belongs to one goroutine.
type schedule struct {
	// Immutable after newSchedule.
	start  int64   // ns after the epoch
	rate   float64 // of batches, per second; of the step, with steps
	batch  int     // messages due at once
	steps  []arrivalStep
	random *rand.PCG // Poisson arrivals; nil for those in a grid

	left   int     // of the batch
	index  int     // of the next batch, within the step
	origin float64 // where the step, or the grid, begins; seconds after start
	at     int64   // of the last batch
	past   float64 // Poisson: its time, in seconds after start
}

// arrivalPlan is what a schedule is made from; it is the same for all processes of a run.
type arrivalPlan struct {
	Arrivals Arrivals
	Rate     float64 // messages per second
	Batch    int     // messages at once, besides what Arrivals says
	Seed     uint64
}

// seedStream tells the generator of this package from others that are given the same seed.
const seedStream = 0x77736c6f6164 // "wsload"

// farFuture, in ns, is 146 years: what comes later at a tiny rate still has a time that does not overflow.
const farFuture = 1 << 62

// newSchedule begins at start, in ns after the epoch.
func newSchedule(start int64, plan arrivalPlan) *schedule {
	s := &schedule{start: start, batch: max(plan.Batch, plan.Arrivals.burst, 1), steps: plan.Arrivals.steps}
	s.rate = plan.Rate / float64(s.batch)
	if plan.Arrivals.kind == arriveAtRandom {
		s.random = rand.NewPCG(plan.Seed, seedStream)
	}
	if len(s.steps) > 0 {
		s.rate = s.steps[0].rate / float64(s.batch)
	}
	return s
}

// next returns when the next message is due; it never ends, and never goes back.
func (s *schedule) next() int64 {
	if s.left == 0 {
		s.left = s.batch
		s.at = s.start + int64(math.Round(min(s.nextBatch()*1e9, farFuture)))
	}
	s.left--
	return s.at
}

// nextBatch is in seconds after start. A time in the grid is computed from its number, so that errors of rounding do not
// sum up.
func (s *schedule) nextBatch() float64 {
	if s.random != nil {
		s.past += s.gap()
		return s.past
	}
	at := s.origin + float64(s.index)/s.rate
	if len(s.steps) > 1 {
		if end := s.origin + s.steps[0].length.Seconds(); at >= end-nanosecond/2 {
			s.steps = s.steps[1:]
			s.origin, s.index, s.rate = end, 0, s.steps[0].rate/float64(s.batch)
			at = end
		}
	}
	s.index++
	return at
}

const nanosecond = 1e-9

// gap is exponentially distributed around the mean of 1/rate: the inverse of 1-e^(-rate·t), at a uniform number below 1
// with 53 bits.
func (s *schedule) gap() float64 {
	return exponential(s.random) / s.rate
}
