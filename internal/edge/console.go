package edge

import (
	"net/http"
	"time"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/api"
	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/console"
	"github.com/wsedge/wsedge/internal/metrics"
	"github.com/wsedge/wsedge/reactor"
)

// newConsole makes the console: on the one port in development mode, where clients need no more rights than everybody has, and on the admin
// address otherwise.
func (s *Server) newConsole() *console.Console {
	cfg := console.Config{Node: s.shownNode(), Version: s.config.Version, Stats: s.shownStats, API: s.logRequests(s.api), Socket: "/ws", Logger: s.config.Logger}
	if s.config.adminApart() {
		cfg.Socket, cfg.Watch = console.SocketPath, http.HandlerFunc(s.upgradeOwnPage)
	}
	if s.gate != nil {
		cfg.Login = &console.Login{
			Backend: s.gate.auth.Backend, Current: s.gate.auth.Current, MayTry: s.limiter.mayTryKey, Failed: s.limiter.keyFailed,
			Ended: func(id string) { s.disconnect(api.Target{Token: id}) }, Now: s.config.now,
		}
	}
	return console.New(cfg)
}

// registerConsole adds the console to what mux serves, unless there is to be none.
func (s *Server) registerConsole(mux *http.ServeMux) {
	if !s.config.NoConsole {
		s.console.Register(mux)
	}
}

// upgradeOwnPage lets no page in but the console's own. Config.Origins are for the public port: a page of theirs may be of the console's site,
// by another port, and then the browser sends the cookie along.
func (s *Server) upgradeOwnPage(w http.ResponseWriter, r *http.Request) {
	if !sameOrigin(r) {
		http.Error(w, "foreign_origin", http.StatusForbidden)
		return
	}
	s.upgradeHTTP(w, r)
}

// upgradeConsole lets the console's page in as a client of the native dialect, with what the API key of its user opens. Only the admin
// address puts a visit into a request: on the public port nothing is found at this path.
func (s *Server) upgradeConsole(c *reactor.Conn, r *frame.Request) (reactor.Accept, error) {
	request := c.Request()
	if request == nil {
		return reactor.Accept{}, errNotFound
	}
	visit, ok := console.VisitOf(request.Context())
	if !ok {
		return reactor.Accept{}, errNotFound
	}
	talk := &session{server: s}
	if s.gate != nil {
		talk.member = &member{identity: consoleIdentity(&visit, s.config.now())}
	}
	return reactor.Accept{Subprotocol: chooseSubprotocol(r), Context: talk}, nil
}

// consoleIdentity is nobody's in particular. What namespaces leave to nobody stays closed. It is found, and ended, by the ID of the visit.
func consoleIdentity(v *console.Visit, now time.Time) *auth.Identity {
	i := &auth.Identity{TokenID: v.ID, Issued: now, Expires: v.Expires}
	if v.Backend != nil {
		allow := auth.Subscribe | auth.Presence | auth.History
		if v.Backend.Allows(auth.ScopePublish) {
			allow |= auth.Publish
		}
		i.Grants = []auth.Grant{{Channel: "*", Allow: allow}}
	}
	return i
}

// enterConsole lets in whom upgradeConsole has accepted. The login may have ended since: it is looked at again once the gate knows the
// client, so that either this finds out, or who ends the login does.
func (s *session) enterConsole(c *reactor.Conn) {
	id := s.member.identity.TokenID
	s.admit(c, nil, s.member.identity)
	if !s.server.console.Open(id) {
		s.eject(c, false)
	}
}

// consoleStats are the figures that the console shows: read on demand, so that nothing is done for a console at which nobody looks.
func (s *Server) consoleStats() console.Stats {
	if s.reactor == nil { // the admin address is served a moment before the loops are
		return console.Stats{}
	}
	r := s.reactor.Stats()
	used := metrics.ReadUsage()
	stats := console.Stats{
		AtMs: time.Since(s.started).Milliseconds(), Draining: s.draining.Load(), Auth: s.gate != nil,
		Connections: r.Open, HTTP: r.HTTP, Sockets: r.Connections, Congested: r.Congested, Loops: r.LoopsRunning, Pressure: r.Pressure,
		Channels: int64(s.hub.Channels()), QueuedBytes: r.QueuedBytes, InFlightBytes: r.InFlightBytes, HistoryBytes: s.historyStats().Bytes,
		Accepted: r.Accepted, Deliveries: r.Deliveries, MessagesIn: r.MessagesIn, MessagesOut: r.MessagesOut, BytesIn: r.BytesIn, BytesOut: r.BytesOut,
		Sends: r.Sends, LagCounts: r.LoopLag.Counts, Drops: r.Drops, Ended: r.Ended, Refused: r.Refused, Violations: r.Violations,
		Limited: s.limiter.stats().Refused, Denied: s.denied.byReason(), APIRefused: s.apiRefused.ByReason(),
		Others: map[string]int64{
			"panics": r.Panics, "backlogged": r.Backlogged, "clock_stalls": r.ClockStalls, "aborts": r.Aborts, "overruns": s.overruns.Load(),
		},
		CPUSeconds: used.CPU.Seconds(), CPUs: used.CPUs, RSSBytes: used.Resident, HeapBytes: used.Heap, Goroutines: used.Goroutines,
	}
	for _, bound := range r.LoopLag.Bounds {
		stats.LagBounds = append(stats.LagBounds, bound.Seconds())
	}
	if nodes := s.lastNodes(); nodes != nil {
		stats.Cluster = nodes
	}
	if a := s.authStats(); a != nil {
		stats.Tokens = a.Rejected
	}
	return stats
}
