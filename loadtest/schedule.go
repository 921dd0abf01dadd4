package loadtest

import "time"

// schedule is the open loop: publication i is due at a time that does not depend on what the server does.
type schedule struct {
	start       int64 // ns after the epoch
	rate        float64
	outstanding int
	total       int
}

// newSchedule plans the publications from start on for the given time.
func newSchedule(start int64, length time.Duration, rate float64, outstanding int) schedule {
	batches := int(length.Seconds()*rate/float64(outstanding) + 1e-9)
	return schedule{start: start, rate: rate, outstanding: outstanding, total: max(batches, 1) * outstanding}
}

// at is when publication i is due: those of a batch at once.
func (s schedule) at(i int) int64 {
	batch := i / s.outstanding
	return s.start + int64(float64(batch)*float64(s.outstanding)/s.rate*1e9)
}
