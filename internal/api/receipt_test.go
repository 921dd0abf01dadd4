package api

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/hub"
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

// Whoever repeats a publication that the engine has not answered yet gets its result, but not its receipt; and all receipts of a batch are
// waited for together.
func TestReceiptsOfALateEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []func(broker.Result, error)
		h := New(Config{Hub: hub.New(hub.Config{Broker: late{asked: &asked}, Namespaces: channel.Open()})})
		answers := make(chan string)
		ask := func(path, body string) {
			go func() {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest("POST", path, strings.NewReader(body)))
				answers <- w.Body.String()
			}()
			synctest.Wait()
		}
		publish := `{"channel":"c","data":1,"receipt":true,"idempotency_key":"k"}`
		ask("/api/publish", publish)
		ask("/api/publish", publish)
		asked[0](broker.Result{Matched: 1, Receipt: broker.Settled{Matched: 1, Queued: 1}}, nil)
		both := <-answers + <-answers
		if !strings.Contains(both, `"receipt":"complete","queued":1,"dropped":0}`) || !strings.Contains(both, `"matched":1,"receipt":"repeated"}`) {
			t.Error(both)
		}

		command := `{"method":"publish","params":{"channel":"c","data":1,"receipt":true}}`
		began := time.Now()
		ask(batchPath, `{"commands":[`+command+`,`+command+`]}`)
		late := broker.Result{Receipt: open{broker.Settled{Matched: 3, Queued: 2}}}
		asked[1](late, nil)
		time.Sleep(receiptTimeout) // by the clock of the bubble: then the second is asked for
		synctest.Wait()
		asked[2](late, nil)
		if got := <-answers; strings.Count(got, `"matched":3,"receipt":"partial","queued":2,"dropped":0}`) != 2 {
			t.Error(got)
		}
		if waited := time.Since(began); waited != receiptTimeout {
			t.Errorf("it took %v", waited)
		}
	})
}
