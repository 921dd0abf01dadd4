package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/limit"
)

// handleTimeout is how long a publication, of which nobody knows then what becomes of it, and a history wait for the engine.
const handleTimeout = 10 * time.Second

// errUnanswered says that the engine did not answer within handleTimeout.
var errUnanswered = errors.New("api: the engine has not answered")

// Limits are what requests are held to, beyond the size and time of each. The zero value holds them to nothing.
type Limits struct {
	// Requests is how many may be under way at once. nil, or 0 of it: any number.
	Requests func() int
	// Rate takes a request, or a command of a batch, from the rate of the key that it came with, and says how long to wait where that is used
	// up. It is asked before the body is read. May be nil.
	Rate func(key *auth.Backend) (wait time.Duration, ok bool)
	// MayTry tells whether the key of a request is to be looked at, or how long not, and Failed hears of each that was not good. May be
	// nil.
	MayTry func(r *http.Request) (wait time.Duration, ok bool)
	Failed func(r *http.Request)
	// Refused counts a refusal. May be nil.
	Refused func(limit.Reason)
}

var errBusy = &native.Error{Code: native.CodeUnavailable, Message: "too many requests at once"}

// limited holds next to the limits.
func limited(limits Limits, next http.Handler) http.Handler {
	var slots limit.Slots
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if limits.Requests != nil {
			if most := limits.Requests(); most > 0 {
				if !slots.Take(most) {
					if limits.Refused != nil {
						limits.Refused(limit.APIRequests)
					}
					fail(w, http.StatusServiceUnavailable, errBusy)
					return
				}
				defer slots.Give()
			}
		}
		next.ServeHTTP(w, r)
	})
}
