package show

import (
	"io"
	"testing"

	"github.com/wsedge/wsedge/loadtest"
)

// BenchmarkDraw is one drawing after ten minutes; there are four a second. 2 % of a core would be 5 ms for each.
func BenchmarkDraw(b *testing.B) {
	status := statusOf(fanout())
	for len(status.Seconds) < 600 {
		status.Seconds = append(status.Seconds, loadtest.Interval{At: float64(len(status.Seconds)), P99: int64(len(status.Seconds))})
	}
	view := &Live{out: io.Discard, size: func() (int, int) { return 120, 40 }}
	b.ReportAllocs()
	for b.Loop() {
		view.Update(status)
		view.draw()
	}
}
