package show

import (
	"math"
	"slices"
	"strconv"
	"testing"
)

func TestMarks(t *testing.T) {
	cases := []struct {
		a      axis
		wanted int
		want   []float64
	}{
		{axis{min: 0, max: 10}, 5, []float64{0, 2, 4, 6, 8, 10}},
		{axis{min: 0, max: 23}, 6, []float64{0, 5, 10, 15, 20}},
		{axis{min: 0, max: 1}, 5, []float64{0, 0.2, 0.4, 0.6, 0.8, 1}},
		{axis{min: 2, max: 4, log: true}, 5, []float64{100, 1000, 10_000}},
		{axis{min: 0, max: 6, log: true}, 3, []float64{1, 100, 10_000, 1_000_000}},
	}
	for _, c := range cases {
		got := c.a.marks(c.wanted)
		if !slices.EqualFunc(got, c.want, func(x, y float64) bool { return math.Abs(x-y) <= 1e-9*max(x, 1) }) {
			t.Errorf("%+v: got %v, want %v", c.a, got, c.want)
		}
		if math.Signbit(got[0]) {
			t.Errorf("%+v begins with minus zero", c.a)
		}
	}
}

func TestPath(t *testing.T) {
	x, y := axis{min: 0, max: 10, from: 0, to: 100}, axis{min: 0, max: 10, from: 100, to: 0}
	gap := math.NaN()
	cases := []struct {
		points []point
		want   string
	}{
		{nil, ""},
		{[]point{{0, 0}, {10, 10}}, "M0 100L100 0"},
		{[]point{{0, gap}, {1, 1}, {2, gap}, {3, 3}, {4, 4}}, "M10 90h0M30 70L40 60"},
		{[]point{{5, 5}}, "M50 50h0"},
	}
	for _, c := range cases {
		if got := path(c.points, x, y); got != c.want {
			t.Errorf("%v: got %q, want %q", c.points, got, c.want)
		}
	}
}

func TestThinningKeepsTheLargest(t *testing.T) {
	l := line{points: make([]point, 100_000)}
	for i := range l.points {
		l.points[i] = point{float64(i), math.NaN()}
		if i == 77_777 {
			l.points[i].y = 9
		}
	}
	thin := l.thinned()
	if len(thin) != mostPoints || !slices.Contains(thin, point{77_777, 9}) {
		t.Errorf("%d points without the largest", len(thin))
	}
}

func TestNothingToDraw(t *testing.T) {
	empty := plan{lines: []line{{points: []point{{1, math.NaN()}}}, {}}, xLabel: clock, yLabel: amount}
	if c := empty.draw(); c != nil {
		t.Errorf("%+v", c)
	}
}

func TestUnits(t *testing.T) {
	for want, got := range map[string]string{
		"0": thousands(0), "999": thousands(999), "1,000": thousands(1000), "-1,234,567": thousands(-1234567), "12,345": thousands(uint64(12345)),
		"16k": amount(16_000), "1k": amount(999.9), "0.25": amount(0.25), "1.5M": amount(1.5e6), "25 MB": bytesOf(25e6), "993 B": bytesOf(993),
		"5 s": clock(5), "2:00": clock(120), "1:01:01": clock(3661),
	} {
		if got != want {
			t.Errorf("got %s, want %s", strconv.Quote(got), want)
		}
	}
}
