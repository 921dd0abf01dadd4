package loadtest

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestMergedHistogramsAreOneHistogram(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	whole, merged := newHistogram(), newHistogram()
	for range 5 {
		part := newHistogram()
		for range 1000 {
			ns := int64(random.ExpFloat64() * float64(5*time.Millisecond))
			record(whole, ns)
			record(part, ns)
		}
		encoded, err := encodeHistogram(part)
		if err != nil {
			t.Fatal(err)
		}
		if err := mergeEncoded(merged, encoded); err != nil {
			t.Fatal(err)
		}
	}
	if !merged.Equals(whole) {
		t.Errorf("merged %+v, want %+v", percentilesOf(merged), percentilesOf(whole))
	}
}

func TestHistogramTakesAnyLatency(t *testing.T) {
	h := newHistogram()
	for _, ns := range []int64{-5, 0, 999, int64(time.Microsecond), int64(time.Hour)} {
		record(h, ns)
	}
	if got := percentilesOf(h); got.Count != 5 || got.Max < maxLatencyMicros {
		t.Errorf("got %+v", got)
	}
}

func TestEmptyHistogram(t *testing.T) {
	encoded, err := encodeHistogram(newHistogram())
	if err != nil || len(encoded) != 0 {
		t.Errorf("encoded as %d bytes, %v", len(encoded), err)
	}
	h := newHistogram()
	if err := mergeEncoded(h, encoded); err != nil || percentilesOf(h) != (Percentiles{}) {
		t.Errorf("%v, %+v", err, percentilesOf(h))
	}
	if err := mergeEncoded(h, []byte("nonsense")); err == nil {
		t.Error("nonsense was merged")
	}
}
