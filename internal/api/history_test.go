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
		for _, c := range []struct {
			path, body string
			status     int
			maybe      bool
		}{
			{"/api/history", `{"channel":"news"}`, http.StatusServiceUnavailable, false},
			{"/api/publish", `{"channel":"news","data":1}`, http.StatusGatewayTimeout, true},
		} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, c.path, strings.NewReader(c.body)))
			if w.Code != c.status || strings.Contains(w.Body.String(), "may have been published") != c.maybe {
				t.Errorf("%s: %d %s", c.path, w.Code, w.Body)
			}
		}
	})
}
