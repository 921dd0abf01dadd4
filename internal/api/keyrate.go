package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/limit"
)

var (
	errKeyRate   = &native.Error{Code: native.CodeRate, Message: "too many requests a second with this API key"}
	errWrongKeys = &native.Error{Code: native.CodeRate, Message: "too many requests from this address without a good API key"}
)

// authenticate tells whose key a request presents; nil: it has been refused. An address from which too many came without a good key is refused
// before its key is looked at, or it could go on guessing.
func (h *handler) authenticate(w http.ResponseWriter, r *http.Request) *auth.Backend {
	if backend := caller(r.Context()); backend != nil {
		return backend
	}
	limits := &h.config.Limits
	if limits.MayTry != nil {
		if wait, ok := limits.MayTry(r); !ok {
			h.tooMany(w, wait, limit.AuthRate, errWrongKeys)
			return nil
		}
	}
	backend := h.config.Backend(presentedKey(r.Header))
	if backend == nil {
		if limits.Failed != nil {
			limits.Failed(r)
		}
		h.refused.unauthorized.Add(1)
		w.Header().Set("WWW-Authenticate", "apikey")
		fail(w, http.StatusUnauthorized, errNoKey)
		return nil
	}
	return backend
}

// withinRate tells whether the key's rate has room for one more request; otherwise that has been refused.
func (h *handler) withinRate(w http.ResponseWriter, backend *auth.Backend) bool {
	if h.config.Limits.Rate == nil {
		return true
	}
	wait, ok := h.config.Limits.Rate(backend)
	if !ok {
		h.tooMany(w, wait, limit.APIRate, errKeyRate)
	}
	return ok
}

// tooMany refuses with 429, and says when to come back.
func (h *handler) tooMany(w http.ResponseWriter, wait time.Duration, reason limit.Reason, err *native.Error) {
	h.refused.rate.Add(1)
	if count := h.config.Limits.Refused; count != nil {
		count(reason)
	}
	w.Header().Set("Retry-After", retryAfter(wait))
	reply(w, http.StatusTooManyRequests, native.AppendError(nil, nil, "", err))
}

// retryAfter is a time as Retry-After has it: whole seconds, at least one.
func retryAfter(wait time.Duration) string {
	return strconv.Itoa(max(1, int((wait+time.Second-1)/time.Second)))
}
