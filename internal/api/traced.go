package api

import (
	"errors"
	"net/http"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/hub"
)

// traced makes a span of each request that has come past the guard: strangers have nothing recorded. Without tracing it is next.
func (h *handler) traced(next http.Handler) http.Handler {
	if h.config.Tracer == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		span, r := h.config.Tracer.Request(r, methods[methodIndex(r.URL.Path)])
		seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		status := http.StatusInternalServerError // where the handler panics
		defer func() { span.End(status) }()
		next.ServeHTTP(seen, r)
		status = seen.status
	})
}

// publishTo is publishOnce, as a span where the request is traced. The result has a receipt only where p asks for one.
func (h *handler) publishTo(name string, p *publication) (broker.Result, error) {
	traced := h.config.Tracer.Publish(p.trace, h.config.Hub.NamespaceOf(name))
	if traced == nil {
		return h.publishOnce(name, p)
	}
	wanted := *p
	wanted.receipt = true
	result, err := h.publishOnce(name, &wanted)
	if err != nil {
		traced.Failed(failureOf(err))
		return result, err
	}
	switch {
	case result.Repeated:
		traced.Repeated(result.Offset)
	case result.Receipt == nil: // nobody here
		traced.Published(result.Offset, result.Matched, broker.Settled{})
	default:
		traced.Published(result.Offset, result.Matched, result.Receipt)
	}
	if !p.receipt {
		result.Receipt = nil
	}
	return result, nil
}

// failureOf is the word for why nothing was published.
func failureOf(err error) string {
	switch {
	case errors.Is(err, hub.ErrBacklog):
		return "backlog"
	case errors.Is(err, hub.ErrTooLarge):
		return "too_large"
	case errors.Is(err, hub.ErrFull):
		return "limit"
	case errors.Is(err, errUnanswered):
		return "unanswered"
	}
	return "unavailable"
}
