package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/hub"
)

// deaf is an engine that never answers.
type deaf struct{ broker.Log }

func (deaf) Open(string, broker.Retention, broker.Sink) broker.Log { return deaf{} }

func (deaf) Publish(*broker.Publication, func(broker.Result, error)) (broker.Result, error) {
	return broker.Result{}, broker.ErrPending
}

func (deaf) History(broker.HistoryQuery, func(broker.Past, error)) {}

func TestEngineThatNeverAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Config{Hub: hub.New(hub.Config{Broker: deaf{}, Namespaces: channel.Open()})})
		for path, body := range map[string]string{"/api/history": `{"channel":"news"}`, "/api/publish": `{"channel":"news","data":1}`} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, strings.NewReader(body)))
			if w.Code != http.StatusServiceUnavailable {
				t.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
		}
	})
}
