package api

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
)

// open is a receipt of which something is not known yet.
type open struct{ broker.Settled }

func (open) Done() <-chan struct{} { return nil }

// A receipt that is not done in time is answered as far as it is known, and whoever has used its patience up waits for no other.
func TestReceiptsThatAreNotDone(t *testing.T) {
	p := &patience{left: time.Millisecond}
	r := broker.Result{Matched: 9, Receipt: open{broker.Settled{Matched: 9, Queued: 3, Dropped: 1}}}
	p.wait(r)
	if p.left != 0 {
		t.Errorf("%v are left", p.left)
	}
	p.wait(r)
	got := string(appendResult(nil, "c", r, true))
	if want := `"channel":"c","offset":0,"epoch":"","matched":9,"receipt":"partial","queued":3,"dropped":1`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	r.Receipt = broker.Settled{Matched: 2, Queued: 1, Dropped: 1}
	p.wait(r)
	got = string(appendResult(nil, "c", r, true))
	if want := `"channel":"c","offset":0,"epoch":"","matched":2,"receipt":"complete","queued":1,"dropped":1`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Nobody waits on for a client that has gone.
func TestReceiptsOfAClientThatHasGone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := withPatience(httptest.NewRequestWithContext(ctx, "POST", batchPath, nil)).Context().Value(patienceKey{}).(*patience)
	p.left = time.Hour
	p.wait(broker.Result{Receipt: open{}})
}
