package loadtest

import (
	"testing"
	"time"
)

func TestSchedule(t *testing.T) {
	cases := []struct {
		length      time.Duration
		rate        float64
		outstanding int
		total       int
		last        time.Duration
	}{
		{10 * time.Second, 8, 1, 80, 9875 * time.Millisecond},
		{time.Second, 32, 8, 32, 750 * time.Millisecond},
		{time.Second, 0.5, 1, 1, 0},
		{time.Second, 4, 8, 8, 0},
	}
	for _, c := range cases {
		s := newSchedule(1000, c.length, c.rate, c.outstanding)
		if s.total != c.total || s.at(s.total-1) != 1000+int64(c.last) {
			t.Errorf("%v at %g/s in batches of %d: %d publications, the last at %d", c.length, c.rate, c.outstanding, s.total, s.at(s.total-1))
		}
		if first, same := s.at(0), s.at(c.outstanding-1); first != 1000 || same != first {
			t.Errorf("the first batch is due at %d to %d", first, same)
		}
	}
}
