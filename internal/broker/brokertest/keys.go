package brokertest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/wsedge/wsedge/internal/broker"
)

func runKeys(t *testing.T, open func(t *testing.T) broker.Broker) {
	t.Run("a key is published once", func(t *testing.T) { testKey(t, open(t)) })
	t.Run("a key that failed can be tried again", func(t *testing.T) { testFailedKey(t, open(t)) })
	t.Run("concurrent attempts with a key are one publication", func(t *testing.T) { testKeyRace(t, open(t)) })
	t.Run("the memory of keys is bounded", func(t *testing.T) { testManyKeys(t, open(t)) })
}

func publishKey(log broker.Log, key string) (broker.Result, error) {
	return publish(log, &broker.Publication{Data: []byte("x"), IdempotencyKey: key})
}

func testKey(t *testing.T, b broker.Broker) {
	sink := &ledger{}
	log := b.Open("news", broker.Retention{Size: 5}, sink)
	defer log.Close()
	first, err := publishKey(log, "k")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := publishKey(log, "other"); err != nil {
		t.Fatal(err)
	}
	again, err := publishKey(log, "k")
	if err != nil || again.Position != first.Position {
		t.Fatalf("got %+v, %v, want %+v", again, err, first)
	}
	checkLedger(t, sink, 2)
	if kept := History(t, log, broker.HistoryQuery{Limit: 9, MaxBytes: 100}).Publications; len(kept) != 2 {
		t.Fatalf("%d are kept", len(kept))
	}
}

// testFailedKey has the sink refuse a publication, and tries it again: it is delivered once.
func testFailedKey(t *testing.T, b broker.Broker) {
	refusal := errors.New("no room")
	sink := &ledger{refuse: refusal}
	log := b.Open("news", broker.Retention{}, sink)
	defer log.Close()
	if _, err := publishKey(log, "k"); err != nil && !errors.Is(err, refusal) {
		t.Fatalf("got %v", err)
	}
	sink.refuseWith(nil)
	publishWhenThereIsRoom(t, log, broker.Publication{Data: []byte("x"), IdempotencyKey: "k"})
	sink.await(t, 1)
	publishWhenThereIsRoom(t, log, broker.Publication{Data: []byte("x"), IdempotencyKey: "other"})
	sink.await(t, 2)
	checkLedger(t, sink, 2)
}

func testKeyRace(t *testing.T, b broker.Broker) {
	sink := &ledger{}
	log := b.Open("news", broker.Retention{}, sink)
	defer log.Close()
	var group sync.WaitGroup
	results := make([]broker.Result, 16)
	for i := range results {
		group.Go(func() {
			var err error
			if results[i], err = publishKey(log, "k"); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, r := range results {
		if r.Position != results[0].Position {
			t.Errorf("%+v and %+v", r, results[0])
		}
	}
	checkLedger(t, sink, 1)
}

func testManyKeys(t *testing.T, b broker.Broker) {
	sink := &ledger{}
	log := b.Open("news", broker.Retention{}, sink)
	defer log.Close()
	for i := range broker.MaxKeys + 1 {
		if _, err := publishKey(log, fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"1", fmt.Sprint(broker.MaxKeys)} {
		if _, err := publishKey(log, key); err != nil {
			t.Fatal(err)
		}
	}
	checkLedger(t, sink, broker.MaxKeys+1)
	first := sink.entries[0].offset
	again, err := publishKey(log, "0")
	if err != nil {
		t.Fatal(err)
	}
	if again.Offset != first { // an engine may remember more
		checkLedger(t, sink, broker.MaxKeys+2)
	}
}
