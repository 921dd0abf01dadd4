package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/dialect"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/hub"
	"github.com/wsedge/wsedge/internal/jsonobject"
	"github.com/wsedge/wsedge/internal/tracing"
)

// Config is what the API works with.
type Config struct {
	// Hub is where publications go. Required.
	Hub *hub.Hub
	// Members tells who is subscribed to a channel, and Channels which channels are open, on all nodes: see hub.Hub's Members and List. incomplete says that some nodes
	// are not in it. Default: the hub's, of this node.
	Members  func(name, after string, limit int) dialect.Members
	Channels func(prefix, after string, limit int) (page []hub.Listed, more, incomplete bool)
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
	// Receipts makes the receipt of a publication that asks for one, from its result: of all nodes. nil: what the engine answers is all there is.
	Receipts func(channel string, r broker.Result) NodesReceipt
	// Pushed is told of each publication, and of each that failed behind the check of the request. May be nil.
	Pushed func(Pushed)
	// Why tells what is recorded of a client, or of a user's connections, as a JSON array; the other of the two is "". recording is false
	// where nothing is recorded, and missing how many nodes did not answer. Required.
	Why func(client, user string) (reports []byte, recording bool, missing int)
	// Stats counts all requests. nil: nobody does.
	Stats *Stats
	// Tracer makes spans of requests and publications. nil: there are none.
	Tracer *tracing.Tracer
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
	Cluster       *Nodes // nil where this node is alone
}

// Nodes are those that share an engine.
type Nodes struct {
	Connections int64  `json:"connections"` // of all
	Nodes       []Node `json:"nodes"`
	Missing     int    `json:"missing,omitempty"` // how many have not answered
}

// Node is what one says of itself.
type Node struct {
	ID            string `json:"node"`
	Name          string `json:"name,omitempty"`
	Version       string `json:"version"`
	Connections   int64  `json:"connections"`
	Channels      int64  `json:"channels"`
	UptimeSeconds int64  `json:"uptime_seconds"`
	Draining      bool   `json:"draining,omitempty"`
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
	h.config.ofThisNode()
	mux := http.NewServeMux()
	mux.Handle("/api/publish", h.patient(h.publish))
	mux.Handle("/api/broadcast", h.patient(h.broadcast))
	mux.Handle("/api/subscribe", h.post(h.subscribe))
	mux.Handle("/api/unsubscribe", h.post(h.unsubscribe))
	mux.Handle("/api/presence", h.post(h.presence))
	mux.Handle("/api/channels", h.post(h.channels))
	mux.Handle("/api/history", h.post(h.history))
	mux.HandleFunc("/api/info", h.info)
	mux.Handle("/api/disconnect", h.post(h.disconnect))
	mux.Handle("/api/revoke", h.post(h.revoke))
	mux.Handle("/api/client", h.post(h.client))
	mux.Handle("/api/why", h.post(h.why))
	guarded := h.guard(h.traced(mux))
	mux.Handle(batchPath, h.batch(guarded))
	mux.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) {
		fail(w, http.StatusNotFound, &native.Error{Code: native.CodeUnknownType, Message: "no such API method"})
	})
	open := http.NewServeMux()
	open.HandleFunc("GET /api/openapi.yaml", serveOpenAPI)
	open.Handle("/", guarded)
	return config.Stats.counted(limited(config.Limits, open))
}

// post is a handler of a method that takes a JSON object.
func (h *handler) post(serve func(w http.ResponseWriter, body []byte)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			notAllowed(w, "POST")
			return
		}
		if body, ok := h.readObject(w, r); ok {
			serve(w, body)
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
	if info.Cluster != nil {
		text, _ := json.Marshal(info.Cluster) // strings, numbers and lists of them: it can't fail
		answer = append(append(answer, `,"cluster":`...), text...)
	}
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
	case maybe(err):
		return http.StatusGatewayTimeout // and no 503, which says that it was not published
	}
	return http.StatusServiceUnavailable
}

// maybe tells whether the publication may have been made all the same: the engine has not said.
func maybe(err error) bool {
	var away *broker.Unavailable
	return errors.Is(err, errUnanswered) || errors.As(err, &away) && away.Maybe
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
	if maybe(err) {
		return &native.Error{Code: native.CodeUnavailable, Message: "the engine has not answered: it may have been published; with an idempotency_key it is safe to repeat"}
	}
	var away *broker.Unavailable
	if errors.As(err, &away) {
		return &native.Error{Code: native.CodeUnavailable, Message: away.Reason + ": it was not published; try again later"}
	}
	return &native.Error{Code: native.CodeUnavailable, Message: "try again later"}
}

// appendResult appends the members of a result, without braces, and what its receipt says if that was asked for.
func appendResult(dst []byte, channel string, r broker.Result, receipt bool) []byte {
	matched, state := r.Matched, receiptRepeated
	var queued, dropped, missing int
	if r.Receipt != nil {
		state, matched, queued, dropped = readReceipt(r.Receipt)
		missing = missingOf(r.Receipt)
	}
	dst = append(append(append(dst, `"channel":"`...), channel...), `","offset":`...)
	dst = strconv.AppendUint(dst, r.Offset, 10)
	dst = append(append(append(dst, `,"epoch":"`...), r.Epoch...), `","matched":`...)
	if dst = strconv.AppendInt(dst, int64(matched), 10); receipt {
		dst = appendMissing(appendReceipt(dst, state, queued, dropped), missing)
	}
	return dst
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
