package loadtest

import (
	"math"
	"slices"
	"testing"
	"time"
)

func mustArrivals(t *testing.T, text string) Arrivals {
	t.Helper()
	a, err := ParseArrivals(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// due gathers what is due before end.
func due(s *schedule, end int64) (times []int64) {
	for at := s.next(); at < end; at = s.next() {
		times = append(times, at)
	}
	return times
}

func TestScheduleTimes(t *testing.T) {
	ms := func(values ...float64) (ns []int64) {
		for _, v := range values {
			ns = append(ns, int64(v*1e6))
		}
		return ns
	}
	cases := []struct {
		arrivals string
		rate     float64
		batch    int
		length   time.Duration
		want     []int64
	}{
		{"constant", 8, 1, 500 * time.Millisecond, ms(0, 125, 250, 375)},
		{"constant", 0.5, 1, time.Second, ms(0)},
		{"constant", 32, 8, 500 * time.Millisecond, ms(0, 0, 0, 0, 0, 0, 0, 0, 250, 250, 250, 250, 250, 250, 250, 250)},
		{"burst:3", 30, 1, 200 * time.Millisecond, ms(0, 0, 0, 100, 100, 100)},
		{"burst:1", 10, 1, 300 * time.Millisecond, ms(0, 100, 200)},
		{"step:10@300ms,20@100ms,5", 1, 1, 900 * time.Millisecond, ms(0, 100, 200, 300, 350, 400, 600, 800)},
		// A step shorter than its own gap has one message.
		{"step:1@10ms,100", 1, 1, 30 * time.Millisecond, ms(0, 10, 20)},
		{"step:4@500ms,8@500ms", 1, 2, 1500 * time.Millisecond, ms(0, 0, 500, 500, 750, 750, 1000, 1000, 1250, 1250)},
	}
	for _, c := range cases {
		plan := arrivalPlan{Arrivals: mustArrivals(t, c.arrivals), Rate: c.rate, Batch: c.batch}
		if got := due(newSchedule(0, plan), int64(c.length)); !slices.Equal(got, c.want) {
			t.Errorf("%s at %g/s in batches of %d: got %v, want %v", c.arrivals, c.rate, c.batch, got, c.want)
		}
		if got := newSchedule(1000, plan).next(); got != 1000 {
			t.Errorf("%s: the first one is due at %d, want the start", c.arrivals, got)
		}
	}
}

// TestConstantScheduleNeitherDriftsNorRoundsOver counts a day's messages at rates without an exact reciprocal.
func TestConstantScheduleNeitherDriftsNorRoundsOver(t *testing.T) {
	for _, rate := range []float64{3, 7, 49, 97} {
		end := int64(24 * time.Hour)
		times := due(newSchedule(0, arrivalPlan{Rate: rate}), end)
		last := float64(len(times)-1) / rate * 1e9
		if want := int(rate * 24 * 3600); len(times) != want || math.Abs(float64(times[want-1])-last) > 1 {
			t.Errorf("%g/s: %d messages in a day, the last at %d; want %d", rate, len(times), times[len(times)-1], want)
		}
	}
}

// TestPoissonGaps compares 100,000 gaps with the exponential distribution by the test of Kolmogorov and Smirnov: with a
// fixed seed it either always passes or never does.
func TestPoissonGaps(t *testing.T) {
	const n, rate = 100_000, 5000.0
	for seed := range uint64(5) {
		s := newSchedule(0, arrivalPlan{Arrivals: mustArrivals(t, "poisson"), Rate: rate, Seed: seed})
		gaps := make([]float64, n)
		last, sum, perSlot := int64(0), 0.0, map[int64]float64{}
		for i := range gaps {
			at := s.next()
			gaps[i] = float64(at-last) / 1e9
			sum += gaps[i]
			perSlot[at/int64(10*time.Millisecond)]++
			last = at
		}
		slices.Sort(gaps)
		distance := 0.0
		for i, gap := range gaps {
			expected := 1 - math.Exp(-rate*gap)
			distance = max(distance, math.Abs(expected-float64(i)/n), math.Abs(expected-float64(i+1)/n))
		}
		// 1.63/√n is passed over by 1 % of true samples; times are rounded to 1 ns of 200,000.
		if limit := 1.63 / math.Sqrt(n); distance > limit {
			t.Errorf("seed %d: distance %.5f from the exponential distribution, want up to %.5f", seed, distance, limit)
		}
		if mean := sum / n * rate; math.Abs(mean-1) > 3/math.Sqrt(n) {
			t.Errorf("seed %d: the mean gap is %.4f of what it should be", seed, mean)
		}
		// The counts of equal stretches vary as much as they are: 50 each. 2000 stretches tell that to within 10 %.
		variance, slots := 0.0, float64(len(perSlot))
		for _, count := range perSlot {
			variance += (count - 50) * (count - 50) / slots
		}
		if variance < 45 || variance > 55 {
			t.Errorf("seed %d: counts of 50 have the variance %.1f", seed, variance)
		}
	}
}

func TestSchedulesOfTinyRatesEnd(t *testing.T) {
	for _, shape := range []string{"constant", "poisson", "burst:2", "step:1e-300@1s,1e-300"} {
		plan := arrivalPlan{Arrivals: mustArrivals(t, shape), Rate: 1e-300, Seed: 1}
		if got := due(newSchedule(0, plan), int64(time.Second)); len(got) > 2 {
			t.Errorf("%s: %d messages in a second of next to none", shape, len(got))
		}
	}
}

func TestSchedulesOfOneSeedAreEqual(t *testing.T) {
	plan := arrivalPlan{Arrivals: mustArrivals(t, "poisson"), Rate: 1000, Batch: 2, Seed: 1}
	first := due(newSchedule(0, plan), int64(time.Second))
	if again := due(newSchedule(0, plan), int64(time.Second)); !slices.Equal(first, again) {
		t.Error("two schedules of one seed differ")
	}
	// The first arrivals of seed 1: they must not change from one version, or machine, to another.
	if got, want := first[:6], []int64{1373749, 1373749, 2714108, 2714108, 4782975, 4782975}; !slices.Equal(got, want) {
		t.Errorf("seed 1 begins with %v, want %v", got, want)
	}
	plan.Seed = 2
	if other := due(newSchedule(0, plan), int64(time.Second)); slices.Equal(first, other) {
		t.Error("two seeds have one schedule")
	}
}
