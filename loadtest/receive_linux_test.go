package loadtest

import (
	"testing"

	"github.com/wsedge/wsedge/frame"
)

// What arrives before a loop has been told of the window is measured all the same: the loop is late, and so is what it gets.
func TestArrivalsBeforeTheOrderToStartAreMeasured(t *testing.T) {
	const subscribers, publications = 4, 3
	l := newBenchLoop(t, subscribers, 2)
	w := l.window
	l.window = window{Send: never, From: never, End: never}
	publish := func(sequence uint32) {
		text := []byte(`{"type":"message","channel":"load","data":"`)
		text = appendStamp(text, stamp{Run: l.spec.Run, Sequence: sequence, Intended: l.clock.now()}, l.spec.Payload)
		text = append(text, `","offset":1}`...)
		wire := frame.AppendFrame(nil, frame.OpText, text)
		for slot := range subscribers {
			l.consume(slot, &l.conns[slot], wire)
		}
	}
	for sequence := range uint32(publications - 1) {
		publish(sequence)
	}
	if c := l.tally.counts; c.Delivered != subscribers*(publications-1) || c.Measured != 0 {
		t.Fatalf("%+v", c)
	}
	l.post(workerCommand{Start: &w})
	l.takeCommands()
	publish(publications - 1)
	const all = subscribers * publications
	if c := l.tally.counts; c.Delivered != all || c.Measured != all || c.InTime != all || l.tally.latency.TotalCount() != all {
		t.Errorf("%+v, %d latencies", c, l.tally.latency.TotalCount())
	}
	classes := int64(0)
	for _, h := range l.tally.classes {
		classes += h.TotalCount()
	}
	if classes != all || l.unplaced != nil {
		t.Errorf("%d latencies by the sizes of topics, %d arrivals kept", classes, len(l.unplaced))
	}
}
