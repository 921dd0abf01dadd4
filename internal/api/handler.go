package api

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/hub"
	"github.com/wsedge/wsedge/internal/jsonobject"
)

// Config is what the API works with.
type Config struct {
	// Hub is where publications go. Required.
	Hub *hub.Hub
	// Clients changes the subscriptions of clients. Required.
	Clients Clients
	// Info tells what /api/info answers. Required.
	Info func() Info
	// Now is the clock. Default time.Now.
	Now func() time.Time
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
	config Config
	keys   *keys
}

// New makes the handler of everything below /api/.
func New(config Config) http.Handler {
	if config.Now == nil {
		config.Now = time.Now
	}
	h := &handler{config: config, keys: newKeys(config.Now)}
	mux := http.NewServeMux()
	mux.Handle("/api/publish", post(h.publish))
	mux.Handle("/api/broadcast", post(h.broadcast))
	mux.Handle("/api/subscribe", post(h.subscribe))
	mux.Handle("/api/unsubscribe", post(h.unsubscribe))
	mux.Handle("/api/presence", post(h.presence))
	mux.Handle("/api/channels", post(h.channels))
	mux.HandleFunc("/api/info", h.info)
	mux.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) {
		fail(w, http.StatusNotFound, &native.Error{Code: native.CodeUnknownType, Message: "no such API method"})
	})
	return mux
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
	if errors.Is(err, hub.ErrBacklog) {
		return http.StatusTooManyRequests
	}
	return http.StatusServiceUnavailable
}

// translate says in the dialect's words why a publication failed.
func translate(err error) *native.Error {
	if errors.Is(err, hub.ErrFull) {
		return &native.Error{Code: native.CodeLimit, Message: "too many channels"}
	}
	return &native.Error{Code: native.CodeUnavailable, Message: "try again later"}
}

// publishTo publishes data to one channel and waits for the engine.
func (h *handler) publishTo(channel string, p *publication) (broker.Result, error) {
	if p.key == "" {
		return h.publishOnce(channel, p)
	}
	return h.keys.once(channel, p.key, func() (broker.Result, error) { return h.publishOnce(channel, p) })
}

func (h *handler) publishOnce(name string, p *publication) (broker.Result, error) {
	channel, err := h.config.Hub.Acquire(name)
	if err != nil {
		return broker.Result{}, err
	}
	defer channel.Release()
	type answer struct {
		result broker.Result
		err    error
	}
	later := make(chan answer, 1)
	result, err := channel.Publish(
		&broker.Publication{Data: p.data, Exclude: p.exclude},
		func(result broker.Result, err error) { later <- answer{result, err} })
	if errors.Is(err, broker.ErrPending) {
		a := <-later
		return a.result, a.err
	}
	return result, err
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
