package loadtest

import (
	"math"
	"testing"
	"time"
)

// countPerBin drains a schedule and counts by time.
func countPerBin(s arrivalTimes, bin time.Duration) (bins map[int64]int, all int) {
	bins = map[int64]int{}
	last := int64(-1)
	for at := s.next(); at != never; at = s.next() {
		if at < last {
			panic("the schedule goes back")
		}
		last = at
		bins[at/int64(bin)]++
		all++
	}
	return bins, all
}

func TestPhasedSchedule(t *testing.T) {
	phases := []PhasePlan{
		{Duration: time.Second, Rate: &Ramp{100, 100}},
		{Duration: time.Second, Rate: &Ramp{}},
		{Duration: 10 * time.Second, Rate: &Ramp{0, 1000}},
		{Duration: time.Second, Rate: &Ramp{1000, 0}},
	}
	bins, all := countPerBin(newPhasedSchedule(phases, 0, 1, 1), time.Second)
	if all != 100+5000+500 || bins[0] != 100 || bins[1] != 0 || bins[12] != 500 {
		t.Errorf("%d in all: %v", all, bins)
	}
	// In second i of the ramp the rate is 100·i to 100·(i+1).
	for i := range int64(10) {
		if want := 50 + 100*int(i); bins[2+i] < want-1 || bins[2+i] > want+1 {
			t.Errorf("second %d has %d, want %d", 2+i, bins[2+i], want)
		}
	}
}

func TestPhasedScheduleAtRandom(t *testing.T) {
	at, err := ParseArrivals("poisson")
	if err != nil {
		t.Fatal(err)
	}
	phases := []PhasePlan{{Duration: 10 * time.Second, Rate: &Ramp{0, 2000}, Arrivals: at}}
	bins, all := countPerBin(newPhasedSchedule(phases, 0, 1, 5), time.Second)
	if math.Abs(float64(all)-10_000) > 5*math.Sqrt(10_000) || bins[9] < bins[1] {
		t.Errorf("%d in all: %v", all, bins)
	}
	again, _ := countPerBin(newPhasedSchedule(phases, 0, 1, 5), time.Second)
	for bin, n := range bins {
		if again[bin] != n {
			t.Errorf("equal seeds differ in second %d: %d and %d", bin, n, again[bin])
		}
	}
}

func TestPhasedScheduleSendsBatches(t *testing.T) {
	phases := []PhasePlan{{Duration: time.Second, Rate: &Ramp{0, 80}}}
	bins, all := countPerBin(newPhasedSchedule(phases, 0, 4, 1), time.Nanosecond)
	if all != 40 || len(bins) != 10 {
		t.Errorf("%d in %d batches", all, len(bins))
	}
}
