package loadtest

import (
	"fmt"
	"time"
)

// Phase is what a run is doing.
type Phase string

// The phases of a run, in their order.
const (
	PhaseConnecting Phase = "connecting"
	PhaseSettling   Phase = "settling"
	PhaseWarmup     Phase = "warming up"
	PhaseMeasuring  Phase = "measuring"
	PhaseDraining   Phase = "draining"
	PhaseClosing    Phase = "closing"
)

// Status is how a run stands. Its slices are shared with the run and must not be changed.
type Status struct {
	Config  ConfigEcho
	Phase   Phase
	Elapsed time.Duration // since the start of the run
	Left    time.Duration // of the phase; 0 where that depends on others

	Established int // connections, including those that ended early since
	Failed      int
	Ended       int
	Published   uint64 // publications acknowledged, or messages sent in an echo
	Delivered   uint64
	Missing     uint64 // deliveries that have not come though a later one has
	Faulty      uint64 // deliveries duplicated, reordered, corrupted or misdelivered
	Late        uint64 // sends behind their time by the generator's fault

	Latency Percentiles // of everything measured, as of the last second
	Seconds []Interval  // so far
}

// Last is the last second; the zero Interval before there is one.
func (s *Status) Last() Interval {
	if len(s.Seconds) == 0 {
		return Interval{}
	}
	return s.Seconds[len(s.Seconds)-1]
}

// progressLine is a second in a line of text.
func progressLine(s Interval, failed int) string {
	line := fmt.Sprintf("%6.1f s  conns %d", s.At, s.Conns)
	if failed > 0 {
		line += fmt.Sprintf(" (%d failed)", failed)
	}
	line += fmt.Sprintf("  published %d  delivered/s %.0f", s.Published, s.PerSecond(s.Delivered))
	if s.P99 > 0 {
		line += fmt.Sprintf("  p50 %s  p99 %s  max %s", micros(s.P50), micros(s.P99), micros(s.Max))
	}
	if s.Missing+s.Faulty > 0 {
		line += fmt.Sprintf("  missing %d  faulty %d", s.Missing, s.Faulty)
	}
	return line
}

// PerSecond is the rate of n in the interval.
func (s Interval) PerSecond(n uint64) float64 {
	if s.Length <= 0 {
		return 0
	}
	return float64(n) / s.Length
}

// FormatMicros writes a time given in µs with four digits at most, as the reports do.
func FormatMicros(us int64) string { return micros(us) }
