package loadtest

import (
	"fmt"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// BenchmarkDelivery is what the generator spends on a delivery, system calls aside: where the read equals the one before, as
// it does for all but the first of a loop's subscribers, and where it has to be decoded.
func BenchmarkDelivery(b *testing.B) {
	for _, topics := range []int{1, 10} {
		for _, read := range []string{"known", "decoded"} {
			b.Run(fmt.Sprintf("topics=%d/read=%s", topics, read), func(b *testing.B) { benchmarkDelivery(b, topics, read == "known") })
		}
	}
}

func benchmarkDelivery(b *testing.B, topics int, known bool) {
	const subscribers = 1000
	l := newBenchLoop(b, subscribers, topics)
	var text, wire []byte
	b.ReportAllocs()
	for sequence := uint32(0); b.Loop(); sequence++ {
		text = append(text[:0], `{"type":"message","channel":"load","data":"`...)
		text = appendStamp(text, stamp{Run: l.spec.Run, Sequence: sequence}, l.spec.Payload)
		text = append(text, `","offset":1}`...)
		wire = frame.AppendFrame(wire[:0], frame.OpText, text)
		for slot := range subscribers {
			if !known {
				for i := range l.chunks.entries {
					l.chunks.entries[i].bytes = l.chunks.entries[i].bytes[:0]
				}
			}
			l.consume(slot, &l.conns[slot], wire)
		}
	}
	b.StopTimer()
	if want := uint64(b.N) * subscribers; l.tally.counts.Delivered != want {
		b.Fatalf("%d delivered, want %d", l.tally.counts.Delivered, want)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/subscribers, "ns/delivery")
}

// newBenchLoop is a loop whose connections are ready, without sockets, and all of one topic.
func newBenchLoop(b testing.TB, conns, topics int) *loop {
	b.Helper()
	sizes := TopicSizes{}.shareOut(conns, topics)
	l, err := newLoop(&workerSpec{
		Scenario: Fanout, Conns: conns, TotalConns: conns, Threads: 1, Run: 7, Epoch: monotonicNow(), Payload: 128,
		Topics: topicPlan{Channel: "load", Sizes: sizes, Publishers: 1}, SequenceLimit: 1 << 31,
	}, 0, 0, conns)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(l.closeDescriptors)
	clear(l.topicOf)
	l.window = window{From: -int64(time.Hour), End: never}
	for i := range l.conns {
		l.conns[i].state = stateReady
	}
	return l
}
