package api

import (
	"errors"
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/hub"
	"github.com/wsedge/wsedge/internal/jsonobject"
)

// Config is what the API works with.
type Config struct {
	// Hub is where publications go. Required.
	Hub *hub.Hub
	// Info tells what /api/info answers. Required.
	Info func() Info
	// Clients are those that can be disconnected, and subscribed. Required.
	Clients Clients
	// Backend tells whose API key was presented, nil for nobody's. Default: the API is open.
	Backend func(presented string) *auth.Backend
	// Refused counts requests refused for their key. Default: nobody counts.
	Refused *Refused
	// Limits are what requests are held to.
	Limits Limits
}

// Refused counts requests refused for their key: there was no good one, or not for that, or too many came. Safe from any goroutine.
type Refused struct{ unauthorized, forbidden, rate atomic.Int64 }

// ByReason is what was counted so far.
func (r *Refused) ByReason() map[string]int64 {
	return map[string]int64{"unauthorized": r.unauthorized.Load(), "permission_denied": r.forbidden.Load(), "rate": r.rate.Load()}
}

// Info is what /api/info answers.
type Info struct {
	Node          string
	Version       string
	Connections   int64
	Channels      int64
	UptimeSeconds int64
}

type handler struct {
	config     Config
	refused    *Refused
	unanswered unanswered
}

// New makes the handler of everything below /api/.
func New(config Config) http.Handler {
	h := &handler{config: config, refused: config.Refused}
	if h.refused == nil {
		h.refused = new(Refused)
	}
	mux := http.NewServeMux()
	mux.Handle("/api/publish", post(h.publish))
	mux.Handle("/api/broadcast", post(h.broadcast))
	mux.Handle("/api/subscribe", post(h.subscribe))
	mux.Handle("/api/unsubscribe", post(h.unsubscribe))
	mux.Handle("/api/presence", post(h.presence))
	mux.Handle("/api/channels", post(h.channels))
	mux.Handle("/api/history", post(h.history))
	mux.HandleFunc("/api/info", h.info)
	mux.Handle("/api/disconnect", post(h.disconnect))
	mux.Handle("/api/revoke", post(h.revoke))
	guarded := h.guard(mux)
	mux.Handle(batchPath, h.batch(guarded))
	mux.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) {
		fail(w, http.StatusNotFound, &native.Error{Code: native.CodeUnknownType, Message: "no such API method"})
	})
	open := http.NewServeMux()
	open.HandleFunc("GET /api/openapi.yaml", serveOpenAPI)
	open.Handle("/", guarded)
	return limited(config.Limits, open)
}

// post is a handler of a method that takes a JSON object.
func post(serve func(w http.ResponseWriter, body []byte)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			notAllowed(w, "POST")
			return
		}
		body, err := readObject(w, r)
		switch {
		case err == nil:
			serve(w, body)
		case err.Code == native.CodeTooLarge:
			fail(w, http.StatusRequestEntityTooLarge, err)
		default:
			fail(w, http.StatusBadRequest, err)
		}
	})
}

func (h *handler) info(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		notAllowed(w, "GET, HEAD")
		return
	}
	info := h.config.Info()
	answer := append([]byte(`{"node":`), strconv.Quote(info.Node)...)
	answer = append(append(answer, `,"version":`...), strconv.Quote(info.Version)...)
	answer = strconv.AppendInt(append(answer, `,"connections":`...), info.Connections, 10)
	answer = strconv.AppendInt(append(answer, `,"channels":`...), info.Channels, 10)
	answer = strconv.AppendInt(append(answer, `,"uptime_seconds":`...), info.UptimeSeconds, 10)
	reply(w, http.StatusOK, append(answer, '}'))
}

func notAllowed(w http.ResponseWriter, allow string) {
	w.Header().Set("Allow", allow)
	fail(w, http.StatusMethodNotAllowed, &native.Error{Code: native.CodeBadRequest, Message: "method not allowed"})
}

// fail answers with an error of the dialect. Who asks for more than there is room for is told when to come back.
func fail(w http.ResponseWriter, status int, err *native.Error) {
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	reply(w, status, native.AppendError(nil, nil, "", err))
}

func reply(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

// statusOf is the status for a publication that failed.
func statusOf(err error) int {
	switch {
	case errors.Is(err, hub.ErrBacklog):
		return http.StatusTooManyRequests
	case errors.Is(err, hub.ErrTooLarge), errors.Is(err, broker.ErrTooLarge):
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusServiceUnavailable
}

// translate says in the dialect's words why a publication failed.
func translate(err error) *native.Error {
	if errors.Is(err, hub.ErrFull) {
		return &native.Error{Code: native.CodeLimit, Message: "too many channels"}
	}
	if errors.Is(err, hub.ErrTooLarge) {
		return &native.Error{Code: native.CodeTooLarge, Message: "the data is larger than the channel takes"}
	}
	if errors.Is(err, broker.ErrTooLarge) {
		return &native.Error{Code: native.CodeTooLarge, Message: "the data is larger than the engine takes"}
	}
	var away *broker.Unavailable
	if errors.As(err, &away) && !away.Maybe {
		return &native.Error{Code: native.CodeUnavailable, Message: away.Reason + ": it was not published; try again later"}
	}
	if errors.Is(err, errUnanswered) || away != nil {
		return &native.Error{Code: native.CodeUnavailable, Message: "the engine has not answered: it may have been published; with an idempotency_key it is safe to repeat"}
	}
	return &native.Error{Code: native.CodeUnavailable, Message: "try again later"}
}

// appendResult appends the members of a result, without braces.
func appendResult(dst []byte, channel string, r broker.Result) []byte {
	dst = append(append(append(dst, `"channel":"`...), channel...), `","offset":`...)
	dst = strconv.AppendUint(dst, r.Offset, 10)
	dst = append(append(append(dst, `,"epoch":"`...), r.Epoch...), `","matched":`...)
	return strconv.AppendInt(dst, int64(r.Matched), 10)
}

// stringMember decodes a member that must be a string, if it is there at all.
func stringMember(value []byte, name string) (string, *native.Error) {
	if value == nil {
		return "", nil
	}
	s, ok := jsonobject.String(value)
	if !ok {
		return "", &native.Error{Code: native.CodeBadRequest, Message: name + " must be a string"}
	}
	return s, nil
}
