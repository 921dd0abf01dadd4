package edge

import (
	"net/http"
	"time"
)

// requestBodyTimeout bounds the time in which a request's body must have come, whoever reads it: a body that no handler wants is
// read by net/http, before it takes the next request, and without a bound of its own.
const requestBodyTimeout = 5 * time.Second

// boundBodies sets that bound. net/http lifts it with the next request, and when the connection is taken over.
func boundBodies(timeout time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(timeout)) // a recorder in a test has none
		}
		next.ServeHTTP(w, r)
	})
}
