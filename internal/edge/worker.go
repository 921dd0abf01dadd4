package edge

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"time"

	"github.com/wsedge/wsedge/internal/console"
	"github.com/wsedge/wsedge/internal/ticket"
)

// Worker is for a server that is one of several on a machine which look like one from outside: what is told of one is told of all, by who
// supervises them.
type Worker struct {
	// Of is how many there are. Default 1.
	Of int
	// Name is what the console calls all of them together. Required.
	Name string
	// TicketKey is what resume tickets are made with where Config.Tickets has no keys: the others have the same. Default: a random one.
	TicketKey ticket.Key
	// Listener is accepted on in place of Config.Addr, whose port it has; others may have the same socket. Required.
	Listener net.Listener
	// Inside is where who supervises it asks this server for itself: what the admin address has, and StatsPath. Nobody else may reach it, since
	// nothing is checked there. Config.AdminAddr then says no more than what belongs on the public address. Required.
	Inside net.Listener
	// Whole answers /metrics, /healthz and /readyz of the public address. Required.
	Whole http.Handler
	// Stats are the figures that the console shows; ok is false where they can't be had, and this server's own are shown. Required.
	Stats func() (stats console.Stats, ok bool)
}

// StatsPath is where Worker.Inside tells this server's own figures, a console.Stats.
const StatsPath = "/worker/stats"

// public is what answers on the public address: own, or who answers for all.
func (s *Server) public(own http.HandlerFunc) http.Handler {
	if w := s.config.Worker; w != nil {
		return w.Whole
	}
	return own
}

// listenAddr is what the reactor listens on by itself.
func (cfg *Config) listenAddr() (addr string, given net.Listener) {
	if w := cfg.Worker; w != nil {
		return "", w.Listener
	}
	return cfg.Addr, nil
}

// ticketKey is what the processes have that look like one server with this; zero: nothing.
func (cfg *Config) ticketKey() (key ticket.Key) {
	if w := cfg.Worker; w != nil {
		key = w.TicketKey
	}
	return key
}

// returning is how many clients come back at about the same time where n of this server's are told to go: as many of each of the others, unless
// this one retires alone.
func (s *Server) returning(n int) int {
	if w := s.config.Worker; w != nil && !s.retiring.Load() {
		return n * max(w.Of, 1)
	}
	return n
}

// shownNode is what the console calls it.
func (s *Server) shownNode() string {
	if w := s.config.Worker; w != nil {
		return w.Name
	}
	return s.node
}

// shownStats are the figures of all, where there are others.
func (s *Server) shownStats() console.Stats {
	if w := s.config.Worker; w != nil {
		if stats, ok := w.Stats(); ok {
			return stats
		}
	}
	return s.consoleStats()
}

func (s *Server) serveOwnStats(w http.ResponseWriter, _ *http.Request) {
	stats := s.consoleStats()
	stats.Node, stats.Logins = s.node, s.console.Logins()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(stats)
}

// inside serves what is for who supervises this server.
func (s *Server) inside(listener net.Listener) *admin {
	mux := http.NewServeMux()
	mux.Handle("/", s.adminRoutes())
	mux.HandleFunc("GET "+StatsPath, s.serveOwnStats)
	return newAdmin(listener, mux, s.config.Logger)
}

// GuardAdmin lets through to next what comes to an admin address under a name of its own, or under any if insecure, and changes nothing for
// pages of others.
func GuardAdmin(addr string, insecure bool, next http.Handler) http.Handler {
	host, _, _ := net.SplitHostPort(addr)
	return hosts{any: insecure, addr: host}.guard(next)
}

const (
	// retireStep is how often Retire looks whether HTTP connections have ended, and httpPatience how long it waits for that.
	retireStep   = 10 * time.Millisecond
	httpPatience = 2 * time.Second
)

// Retire is Shutdown for a Worker whose successor accepts on the same socket already: nobody who connects is refused. Whoever it has
// accepted gets an answer before clients are told to go.
func (s *Server) Retire(ctx context.Context) error {
	s.retiring.Store(true)
	_ = s.reactor.StopAccepting(ctx) // Shutdown says so, too
	look := time.NewTicker(retireStep)
	defer look.Stop()
	for end := time.Now().Add(httpPatience); s.reactor.Stats().HTTP > 0 && time.Now().Before(end); {
		select {
		case <-look.C:
		case <-ctx.Done():
		case <-s.done:
		}
		if ctx.Err() != nil {
			break
		}
	}
	return s.Shutdown(ctx)
}

// lastAnswers has HTTP connections end with their next answer, once the server retires: whoever sends a request on one that is closed because it
// is idle cannot know what has become of it.
func (s *Server) lastAnswers(next http.Handler) http.Handler {
	if s.config.Worker == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.retiring.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}
