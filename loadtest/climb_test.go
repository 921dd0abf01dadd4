package loadtest

import (
	"slices"
	"testing"
)

func TestClimb(t *testing.T) {
	cases := []struct {
		name       string
		from, to   float64
		points     int
		whole      bool
		limit      float64
		want       []float64
		mostBeyond int // points above the limit
	}{
		{"fixed", 1, 1000, 4, false, 0, []float64{1, 10, 100, 1000}, 4},
		{"fixed and whole", 1, 3, 5, true, 0, []float64{1, 2, 3}, 5},
		{"up to saturation", 1, 0, 12, false, 100, nil, 4},
		{"never saturated", 1, 0, 5, false, 1e9, []float64{1, 2, 4, 8, 16}, 0},
		{"saturated at once", 8, 0, 4, false, 1, []float64{8}, 1},
		{"whole, few", 1, 0, 20, true, 3, []float64{1, 2, 3, 4}, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			plan := newClimb(c.from, c.to, c.points, c.whole)
			var got []float64
			beyond, near := 0, 0.0
			for {
				v, more := plan.next()
				if !more {
					break
				}
				if slices.Contains(got, v) {
					t.Fatalf("%g again", v)
				}
				if got = append(got, v); v > c.limit {
					beyond++
				} else {
					near = max(near, v)
				}
				plan.note(v > c.limit)
			}
			slices.Sort(got)
			if len(got) > c.points || beyond > c.mostBeyond && c.limit > 0 || c.want != nil && !slices.Equal(got, c.want) {
				t.Errorf("points %v, %d beyond %g", got, beyond, c.limit)
			}
			if c.want == nil && near < c.limit/1.11 {
				t.Errorf("nothing near %g: %v", c.limit, got)
			}
		})
	}
}

func TestKnee(t *testing.T) {
	curve := func(p99 ...int64) (points []Step) {
		for i, us := range p99 {
			s := Step{Value: float64(int(1) << i)}
			s.Figures.Latency = Percentiles{Count: min(us, 1), P99: us}
			points = append(points, s)
		}
		return points
	}
	for _, c := range []struct {
		points []Step
		want   float64 // 0: none
	}{
		{curve(100, 101, 105, 110, 150, 5000, 90000), 16},
		{curve(100, 100, 100, 100, 100), 0},
		{curve(100, 200, 400, 800, 1600), 0}, // grows as the load does
		{curve(100, 100), 0},
		{curve(100, 105, 0, 110, 80000), 8},
		{nil, 0},
	} {
		got := kneeOf(c.points)
		if (got == nil) != (c.want == 0) || got != nil && *got != c.want {
			t.Errorf("knee at %v, want %g", got, c.want)
		}
	}
}
