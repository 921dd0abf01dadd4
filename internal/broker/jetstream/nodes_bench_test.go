package jetstream

import (
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
)

// BenchmarkNodes publishes on one of so many nodes, all of which are in this process with their server, to a channel that interested ones have. cpu-µs/op is the CPU time of all
// of it for one publication, until the last of them has it: what a node costs more is how it grows.
func BenchmarkNodes(b *testing.B) {
	for _, row := range []struct{ nodes, interested int }{{1, 1}, {10, 1}, {10, 10}, {100, 1}, {100, 10}, {100, 100}} {
		b.Run(fmt.Sprintf("nodes=%d/interested=%d/payload=128B", row.nodes, row.interested), func(b *testing.B) {
			s := natsServer(b)
			prefix := fmt.Sprint("nodes", prefixes.Add(1))
			sink := &counting{}
			var first broker.Log
			for i := range row.nodes {
				log := connect(b, s, Config{Prefix: prefix}).Open("news", broker.Retention{Size: 100}, sink)
				b.Cleanup(log.Close)
				if i == 0 {
					first = log
				}
				if i < row.interested {
					known := make(chan error)
					log.Position(func(_ broker.Position, err error) { known <- err })
					if err := <-known; err != nil {
						b.Fatal(err)
					}
				}
			}
			before := cpuTime(b)
			publishAll(b, first, 64)
			want := int64(b.N) * int64(row.interested)
			awaitThat(b, "all nodes have all", func() bool { return sink.delivered.Load() == want })
			b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}

// counting is a Sink that counts.
type counting struct{ delivered atomic.Int64 }

func (c *counting) Deliver(*broker.Publication, uint64, uint64) (broker.Delivered, error) {
	c.delivered.Add(1)
	return broker.Delivered{}, nil
}
func (*counting) Gap(uint64, uint64) error { return nil }

// cpuTime is what this process has used.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
