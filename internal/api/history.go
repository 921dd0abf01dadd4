package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/jsonobject"
)

// maxHistoryBytes bounds the data of one answer. One publication may be larger.
const maxHistoryBytes = 4 << 20

// errNoHistory says that the engine did not answer within handleTimeout.
var errNoHistory = errors.New("api: no history from the engine")

// history serves POST /api/history.
func (h *handler) history(w http.ResponseWriter, body []byte) {
	var channel, since, limit []byte
	for key, value := range jsonobject.Members(body) {
		switch string(key) {
		case "channel":
			channel = value
		case "since":
			since = value
		case "limit":
			limit = value
		}
	}
	name, err := native.ChannelName(channel)
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	from, n, err := native.HistoryRange(since, limit)
	if err != nil {
		fail(w, http.StatusBadRequest, err)
		return
	}
	past, failure := h.historyOf(name, broker.HistoryQuery{Since: from.Position(), Limit: n, MaxBytes: maxHistoryBytes})
	if failure != nil {
		fail(w, http.StatusServiceUnavailable, unread(failure))
		return
	}
	reply(w, http.StatusOK, append(native.AppendPast([]byte{'{'}, name, &past, from != nil, ""), '}'))
}

// unread says in the dialect's words why a history could not be read.
func unread(err error) *native.Error {
	var away *broker.Unavailable
	if errors.As(err, &away) {
		return &native.Error{Code: native.CodeUnavailable, Message: away.Reason + ": try again later"}
	}
	return translate(err)
}

// historyOf asks the engine and waits for it.
func (h *handler) historyOf(name string, q broker.HistoryQuery) (broker.Past, error) {
	channel, err := h.config.Hub.Acquire(name)
	if err != nil {
		return broker.Past{}, err
	}
	defer channel.Release()
	type answer struct {
		past broker.Past
		err  error
	}
	answers := make(chan answer, 1)
	channel.History(q, func(past broker.Past, err error) { answers <- answer{past, err} })
	select {
	case a := <-answers:
		return a.past, a.err
	case <-time.After(handleTimeout):
		return broker.Past{}, errNoHistory
	}
}
