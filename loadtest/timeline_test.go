package loadtest

import "testing"

// measuredAt is an encoded histogram with one value, in µs.
func measuredAt(t *testing.T, micros int64) []byte {
	t.Helper()
	h := newHistogram()
	record(h, micros*1000)
	encoded, err := encodeHistogram(h)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

func TestTimelineJoinsSeconds(t *testing.T) {
	line := newTimeline(2)
	expect := func(delivered uint64, count, largest int64) {
		t.Helper()
		total, latency, err := line.next()
		if err != nil || total.Delivered != delivered || latency.TotalCount() != count || latency.Max() != largest {
			t.Errorf("second %d: %d delivered, %d measured, at most %d (%v); want %d, %d, %d", line.closed,
				total.Delivered, latency.TotalCount(), latency.Max(), err, delivered, count, largest)
		}
	}
	complete := func(want bool) {
		t.Helper()
		if line.complete() != want {
			t.Errorf("after %d seconds: complete %v", line.closed, !want)
		}
	}
	complete(false)
	line.take(0, progress{Second: 1, Delivered: 10}, measuredAt(t, 5))
	complete(false)
	// Worker 0 is ahead: what it measured in its second second does not go into the first.
	line.take(0, progress{Second: 2, Delivered: 20}, measuredAt(t, 6))
	line.take(1, progress{Second: 1, Delivered: 1}, nil)
	complete(true)
	expect(11, 1, 5)
	complete(false)
	// Worker 1 was held up for two seconds and speaks about both at once.
	line.take(1, progress{Second: 3, Delivered: 3}, measuredAt(t, 900))
	complete(true)
	expect(21, 1, 6)
	complete(false)
	line.take(0, progress{Second: 3, Delivered: 30}, nil)
	complete(true)
	expect(33, 1, 895+5) // three digits
	// A second is closed without a worker that says nothing; what it says later is not lost.
	line.take(0, progress{Second: 4, Delivered: 40}, nil)
	complete(false)
	expect(43, 0, 0)
	line.take(0, progress{Delivered: 41}, measuredAt(t, 7))
	line.take(1, progress{Second: 4, Delivered: 8}, nil)
	line.take(1, progress{Delivered: 9}, measuredAt(t, 8))
	complete(false) // all have ended: there are no more seconds
	total, latency, err := line.rest()
	if err != nil || total.Delivered != 50 || latency.TotalCount() != 2 {
		t.Errorf("rest: %d delivered, %d measured, %v", total.Delivered, latency.TotalCount(), err)
	}
	line.take(0, progress{}, []byte("nonsense"))
	if _, _, err := line.rest(); err == nil {
		t.Error("nonsense is taken for a histogram")
	}
}

func TestLedgerKnowsWhatIsMissing(t *testing.T) {
	l := newLedger(1, 1)
	for _, step := range []struct {
		sequence uint32
		missing  uint64
	}{{0, 0}, {3, 2}, {1, 1}, {1, 1}, {4, 1}, {6, 2}, {2, 1}, {5, 0}} {
		if l.note(0, 0, step.sequence); l.missing != step.missing {
			t.Errorf("after %d: %d missing, want %d", step.sequence, l.missing, step.missing)
		}
	}
}

func TestCurve(t *testing.T) {
	if curveOf(newHistogram()) != nil {
		t.Error("a curve of nothing")
	}
	h := newHistogram()
	for i := range int64(1000) {
		record(h, (i+1)*1000)
	}
	curve := curveOf(h)
	if got, want := len(curve), 28+1; got != want {
		t.Errorf("%d points, want %d: up to 0.999, and the largest", got, want)
	}
	if last := curve[len(curve)-1]; last.Quantile != 1 || last.Micros != 1000 {
		t.Errorf("ends with %+v", last)
	}
	for i := 1; i < len(curve); i++ {
		if curve[i].Quantile <= curve[i-1].Quantile || curve[i].Micros < curve[i-1].Micros {
			t.Errorf("%+v after %+v", curve[i], curve[i-1])
		}
	}
}

func TestProgressLine(t *testing.T) {
	s := Interval{At: 3, Length: 0.5, Conns: 7, Published: 9, Delivered: 10, P50: 5, P99: 1500, Max: 2_000_000, Missing: 1}
	want := "   3.0 s  conns 7 (2 failed)  published 9  delivered/s 20  p50 5 µs  p99 1.5 ms  max 2 s  missing 1  faulty 0"
	if got := progressLine(s, 2); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got, want := progressLine(Interval{At: 1}, 0), "   1.0 s  conns 0  published 0  delivered/s 0"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
