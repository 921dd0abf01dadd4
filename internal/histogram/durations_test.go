package histogram

import (
	"slices"
	"sync"
	"testing"
	"time"
)

func TestDurations(t *testing.T) {
	var h Durations
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for _, d := range []time.Duration{-1, 0, 100 * time.Microsecond, 100*time.Microsecond + 1, 10 * time.Second, 10*time.Second + 1, time.Hour} {
				h.Observe(d)
			}
		})
	}
	all.Wait()
	s := h.Snapshot()
	want := []int64{12, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 8}
	if !slices.Equal(s.Counts, want) || len(s.Bounds) != len(want)-1 || !slices.IsSorted(s.Bounds) {
		t.Errorf("%v of %v, want %v", s.Counts, s.Bounds, want)
	}
	if sum := 4 * (2*100*time.Microsecond + 1 + 2*10*time.Second + 1 + time.Hour); s.Sum != sum {
		t.Errorf("sum %v, want %v", s.Sum, sum)
	}
}

func TestObserveDoesNotAllocate(t *testing.T) {
	var h Durations
	if n := testing.AllocsPerRun(100, func() { h.Observe(time.Millisecond) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
