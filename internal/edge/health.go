package edge

import (
	"cmp"
	"fmt"
	"net/http"
	"time"
)

// stuckAfter is how long a loop may wait for its turn before the process counts as sick: nothing that a loop does takes a hundredth
// of that, and clients have long given it up.
const stuckAfter = 10 * time.Second

// serveHealth says whether the process lives: a loop that is stuck will not come back by itself, and its clients hear nothing.
func (s *Server) serveHealth(w http.ResponseWriter, _ *http.Request) {
	if why := s.stuck(); why != "" {
		plain(w, http.StatusServiceUnavailable, why)
		return
	}
	plain(w, http.StatusOK, "ok\n")
}

// serveReady says whether new clients are welcome.
func (s *Server) serveReady(w http.ResponseWriter, _ *http.Request) {
	why := ""
	switch {
	case s.draining.Load():
		why = "draining\n"
	case s.reactor == nil:
		why = "starting\n"
	default:
		why = cmp.Or(s.stuck(), s.engineStarts())
	}
	if why != "" {
		w.Header().Set("Retry-After", "1")
		plain(w, http.StatusServiceUnavailable, why)
		return
	}
	plain(w, http.StatusOK, s.readiness())
}

// stuck tells which trouble a loop is in; "" for none.
func (s *Server) stuck() string {
	if s.reactor == nil {
		return ""
	}
	if wait := s.reactor.LoopWait(); wait > s.config.stuckAfter {
		return fmt.Sprintf("an event loop has not taken its turn for %v\n", wait.Round(time.Second))
	}
	return ""
}
