package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/hub"
)

// late is an engine that answers publications when it is told to.
type late struct {
	broker.Log
	asked *[]func(broker.Result, error)
}

func (l late) Open(string, broker.Retention, broker.Sink) broker.Log { return l }

func (l late) Publish(_ *broker.Publication, done func(broker.Result, error)) (broker.Result, error) {
	*l.asked = append(*l.asked, done)
	return broker.Result{}, broker.ErrPending
}

// TestKeyedPublicationIsGivenUpAndJoined: a publication with a key waits no longer than another, and who repeats it gets what has become of
// the first.
func TestKeyedPublicationIsGivenUpAndJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []func(broker.Result, error)
		h := New(Config{Hub: hub.New(hub.Config{Broker: late{asked: &asked}, Namespaces: channel.Open()})})
		publish := func(name string) *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			body := `{"channel":"` + name + `","data":1,"idempotency_key":"k"}`
			h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/api/publish", strings.NewReader(body)))
			return w
		}
		began := time.Now()
		if w := publish("news"); w.Code != http.StatusGatewayTimeout || !strings.Contains(w.Body.String(), "may have been published") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if waited := time.Since(began); waited != handleTimeout {
			t.Errorf("it took %v", waited)
		}
		answers := make(chan *httptest.ResponseRecorder)
		for range 3 {
			go func() { answers <- publish("news") }()
		}
		synctest.Wait()
		go func() { answers <- publish("other") }() // the same key is another's there
		synctest.Wait()
		if len(asked) != 2 {
			t.Fatalf("%d publications were made", len(asked))
		}
		for i, done := range asked {
			done(broker.Result{Position: broker.Position{Epoch: "e", Offset: uint64(7 + i)}}, nil)
		}
		offsets := map[string]int{}
		for range 4 {
			w := <-answers
			_, rest, _ := strings.Cut(w.Body.String(), `"offset":`)
			offset, _, _ := strings.Cut(rest, ",")
			offsets[offset]++
		}
		if offsets["7"] != 3 || offsets["8"] != 1 {
			t.Errorf("offsets %v", offsets)
		}
		go func() { answers <- publish("news") }() // the engine knows the key now, or may have forgotten it
		synctest.Wait()
		if len(asked) != 3 {
			t.Errorf("%d publications were made", len(asked))
		}
		asked[2](broker.Result{}, nil)
		<-answers
	})
}

// TestBroadcastWaitsOnce: the engine is dead for all channels, and what is behind the first is not made.
func TestBroadcastWaitsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []func(broker.Result, error)
		h := New(Config{Hub: hub.New(hub.Config{Broker: late{asked: &asked}, Namespaces: channel.Open()})})
		w := httptest.NewRecorder()
		began := time.Now()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/api/broadcast", strings.NewReader(`{"channels":["a","b","c"],"data":1}`)))
		if strings.Count(w.Body.String(), "may have been published") != 1 || strings.Count(w.Body.String(), "try again later") != 2 || len(asked) != 1 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if waited := time.Since(began); waited != handleTimeout {
			t.Errorf("it took %v", waited)
		}
	})
}

// TestBatchWaitsOnce: so does a batch.
func TestBatchWaitsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []func(broker.Result, error)
		h := New(Config{Hub: hub.New(hub.Config{Broker: late{asked: &asked}, Namespaces: channel.Open()})})
		const one = `{"method":"publish","params":{"channel":"a","data":1}}`
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/api/batch", strings.NewReader(`{"commands":[`+one+`,`+one+`,`+one+`]}`)))
		if strings.Count(w.Body.String(), "may have been published") != 1 || strings.Count(w.Body.String(), "not carried out") != 2 || len(asked) != 1 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

func TestUnansweredAreBounded(t *testing.T) {
	var u unanswered
	for i := range maxUnanswered {
		if first, err := u.enter(keyed{"c", fmt.Sprint(i)}, &outcome{known: make(chan struct{})}); first != nil || err != nil {
			t.Fatal(first, err)
		}
	}
	if _, err := u.enter(keyed{"c", "more"}, nil); err != errTooManyUnanswered {
		t.Errorf("one too many: %v", err)
	}
	first, err := u.enter(keyed{"c", "0"}, nil)
	if first == nil || err != nil {
		t.Fatalf("one that is under way: %v", err)
	}
	u.leave(keyed{"c", "0"}, first, broker.Result{}, nil)
	if first, err := u.enter(keyed{"c", "0"}, &outcome{}); first != nil || err != nil {
		t.Errorf("with room again: %v, %v", first, err)
	}
}
