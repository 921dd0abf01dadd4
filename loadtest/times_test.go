package loadtest

import (
	"encoding/json"
	"slices"
	"testing"
)

// TestTimesArriveInParts sends more than one command holds, of streams with all kinds of lengths.
func TestTimesArriveInParts(t *testing.T) {
	var totals []publisherTotals
	for _, n := range []int{0, 5, timesAtOnce - 5, 1, 0, 2*timesAtOnce + 7, 3} {
		times := make([]int64, n)
		for i := range times {
			times[i] = 1e15 + int64(i) // two weeks
		}
		totals = append(totals, publisherTotals{Sent: uint32(n), Unknown: []uint32{1}, Times: times})
	}
	batches := batchesOf(totals)
	if len(batches) != 4 || len(batchesOf(nil)) != 0 {
		t.Fatalf("%d batches", len(batches))
	}
	var got publicationTimes
	for _, batch := range batches {
		text, err := json.Marshal(workerCommand{Times: batch})
		if err != nil || len(text) > maxBacklog/2 {
			t.Fatalf("%d bytes, %v", len(text), err)
		}
		var c workerCommand
		if err := json.Unmarshal(text, &c); err != nil {
			t.Fatal(err)
		}
		got.take(c.Times)
	}
	whole := got.into(withoutTimes(totals))
	for stream, want := range totals {
		if !slices.Equal(whole[stream].Times, want.Times) || whole[stream].Sent != want.Sent || whole[stream].last() != want.last() {
			t.Errorf("stream %d has %d times, want %d", stream, len(whole[stream].Times), len(want.Times))
		}
	}
	if got.taken != 4 || totals[1].Times == nil {
		t.Errorf("%d taken", got.taken)
	}
}
