package brokertest

import (
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
)

func testReceipt(t *testing.T, b broker.Broker) {
	log := b.Open("news", broker.Retention{Size: 5}, &ledger{})
	defer log.Close()
	want := func(what string, key string, asks, receipt bool) {
		t.Helper()
		r, err := publish(log, &broker.Publication{Data: []byte("x"), IdempotencyKey: key, Receipt: asks})
		if err != nil || (r.Receipt != nil) != receipt {
			t.Fatalf("%s: receipt %v, %v", what, r.Receipt, err)
		}
		if !receipt {
			return
		}
		select {
		case <-r.Receipt.Done():
		case <-time.After(patience):
			t.Fatalf("%s: never done", what)
		}
		if matched, queued, dropped := r.Receipt.Counts(); matched != 1 || queued != 1 || dropped != 0 {
			t.Fatalf("%s: %d matched, %d queued, %d dropped", what, matched, queued, dropped)
		}
	}
	want("not asked for", "", false, false)
	want("asked for", "", true, true)
	want("with a key", "k", true, true)
	want("repeated", "k", true, false)
}
