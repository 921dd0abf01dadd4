package loadtest

import (
	"github.com/HdrHistogram/hdrhistogram-go"
)

// Latencies are kept from 1 µs to 60 s with three digits, in µs. What is longer counts as 60 s.
const (
	maxLatencyMicros = 60_000_000
	latencyDigits    = 3
)

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, maxLatencyMicros, latencyDigits)
}

// record adds a latency given in ns.
func record(h *hdrhistogram.Histogram, ns int64) {
	// The value is clamped to the histogram's range, so that there is no error to be had.
	_ = h.RecordValue(min(max(ns/1000, 0), maxLatencyMicros))
}

// encodeHistogram is for the way from a worker to the coordinator; empty for an empty one.
func encodeHistogram(h *hdrhistogram.Histogram) ([]byte, error) {
	if h.TotalCount() == 0 {
		return nil, nil
	}
	return h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
}

// mergeEncoded adds an encoded histogram to one.
func mergeEncoded(into *hdrhistogram.Histogram, encoded []byte) error {
	if len(encoded) == 0 {
		return nil
	}
	h, err := hdrhistogram.Decode(encoded)
	if err != nil {
		return err
	}
	into.Merge(h)
	return nil
}

// Percentiles sums up a histogram, in µs.
type Percentiles struct {
	Count int64   `json:"count"`
	Mean  float64 `json:"mean_us"`
	P50   int64   `json:"p50_us"`
	P90   int64   `json:"p90_us"`
	P99   int64   `json:"p99_us"`
	P999  int64   `json:"p999_us"`
	Max   int64   `json:"max_us"`
}

// curveOf reads the quantiles 0, 0.1 … 0.9, 0.91 … 0.99, 0.991 … as long as at least one value lies beyond, and then the
// largest value.
func curveOf(h *hdrhistogram.Histogram) []CurvePoint {
	count := h.TotalCount()
	if count == 0 {
		return nil
	}
	var curve []CurvePoint
	for rest := 1.0; rest*float64(count) >= 1 && rest > 1e-7; rest /= 10 {
		for tenths := range 9 {
			left := rest * (1 - float64(tenths)/10)
			if left*float64(count) < 1 {
				break
			}
			curve = append(curve, CurvePoint{Quantile: 1 - left, Micros: h.ValueAtQuantile(100 * (1 - left))})
		}
	}
	return append(curve, CurvePoint{Quantile: 1, Micros: h.Max()})
}

func percentilesOf(h *hdrhistogram.Histogram) Percentiles {
	if h.TotalCount() == 0 {
		return Percentiles{}
	}
	return Percentiles{
		Count: h.TotalCount(),
		Mean:  h.Mean(),
		P50:   h.ValueAtQuantile(50),
		P90:   h.ValueAtQuantile(90),
		P99:   h.ValueAtQuantile(99),
		P999:  h.ValueAtQuantile(99.9),
		Max:   h.Max(),
	}
}
