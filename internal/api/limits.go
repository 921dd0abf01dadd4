package api

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/limit"
)

// handleTimeout is how long a publication without an idempotency key, of which nobody knows then what becomes of it, and a history wait for
// the engine.
const handleTimeout = 10 * time.Second

// errUnanswered says that the engine did not answer within handleTimeout.
var errUnanswered = errors.New("api: the engine has not answered")

// Limits are what requests are held to, beyond the size and time of each. The zero value holds them to nothing.
type Limits struct {
	// Requests is how many may be under way at once. nil, or 0 of it: any number.
	Requests func() int
	// Rate takes a request from the rate of whoever sends it, and says how long to wait where that is used up. It is asked before the
	// body is read. May be nil.
	Rate func(r *http.Request) (wait time.Duration, ok bool)
	// Refused counts a refusal. May be nil.
	Refused func(limit.Reason)
}

// limited holds next to the limits.
func limited(limits Limits, next http.Handler) http.Handler {
	var slots limit.Slots
	refuse := func(w http.ResponseWriter, status int, wait time.Duration, reason limit.Reason, err *native.Error) {
		if limits.Refused != nil {
			limits.Refused(reason)
		}
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int((wait+time.Second-1)/time.Second))))
		reply(w, status, native.AppendError(nil, nil, "", err))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if limits.Rate != nil {
			if wait, ok := limits.Rate(r); !ok {
				refuse(w, http.StatusTooManyRequests, wait, limit.APIRate, &native.Error{Code: native.CodeRate, Message: "too many requests a second"})
				return
			}
		}
		if limits.Requests != nil {
			if most := limits.Requests(); most > 0 {
				if !slots.Take(most) {
					refuse(w, http.StatusServiceUnavailable, 0, limit.APIRequests, &native.Error{Code: native.CodeUnavailable, Message: "too many requests at once"})
					return
				}
				defer slots.Give()
			}
		}
		next.ServeHTTP(w, r)
	})
}
