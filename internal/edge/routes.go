package edge

import (
	"io"
	"net/http"
	"time"

	jsclient "github.com/wsedge/wsedge/clients/js"
	"github.com/wsedge/wsedge/internal/api"
	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/metrics"
)

// routes is what net/http serves on the port: everything that is no WebSocket, and what becomes one on a connection that it
// has.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/api/", s.api)
	mux.Handle("GET /healthz", s.public(s.serveHealth))
	mux.Handle("GET /readyz", s.public(s.serveReady))
	mux.Handle("GET /wsedge.js", jsclient.Script())
	mux.Handle("GET /wsedge.d.ts", jsclient.Types())
	if !s.config.adminApart() {
		mux.Handle("GET /metrics", s.public(s.serveMetrics))
		s.registerConsole(mux)
	}
	// A handshake on a connection that net/http has had from an earlier request goes back into a loop; all else gets 426.
	mux.HandleFunc("/ws", s.upgradeHTTP)
	mux.HandleFunc("/ws/raw", s.upgradeHTTP)
	return s.lastAnswers(s.logRequests(boundBodies(s.config.bodyTimeout, s.hosts.guard(mux))))
}

// newAPI makes the handler of everything below /api/.
func (s *Server) newAPI() http.Handler {
	config := api.Config{Hub: s.hub, Info: s.info, Clients: s, Refused: &s.apiRefused, Limits: s.limiter.api(), Pushed: s.logAPIPushed, Why: s.Why, Stats: &s.apiRequests, Tracer: s.config.Tracer}
	config.Members, config.Channels = s.members, s.channels
	if s.gate != nil {
		config.Backend = s.gate.auth.Backend
	}
	if s.witness != nil {
		config.Receipts = s.receiptOf
	}
	return api.New(config)
}

func plain(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// upgradeHTTP gives the request to the reactor, which is made after the routes.
func (s *Server) upgradeHTTP(w http.ResponseWriter, r *http.Request) { s.reactor.ServeHTTP(w, r) }

func (s *Server) info() api.Info {
	return api.Info{
		Node: s.node, Version: s.config.Version, Connections: int64(s.clients.count()), Channels: int64(s.hub.Channels()),
		UptimeSeconds: int64(time.Since(s.started) / time.Second), Cluster: s.allNodes(),
	}
}

// authStats are nil without authentication.
func (s *Server) authStats() *auth.Stats {
	if s.gate == nil {
		return nil
	}
	stats := s.gate.auth.Stats()
	return &stats
}

func (s *Server) serveMetrics(w http.ResponseWriter, _ *http.Request) {
	engine := s.reactor
	if engine == nil {
		plain(w, http.StatusServiceUnavailable, "starting\n")
		return
	}
	stats := engine.Stats()
	w.Header().Set("Content-Type", metrics.ContentType)
	text := metrics.AppendHistory(metrics.Append(nil, stats, s.hub.Channels()), s.historyStats())
	text = metrics.AppendAccess(text, s.denied.byReason(), s.authStats(), s.apiRefused.ByReason())
	text = metrics.AppendAcks(text, s.ackStats())
	text = s.appendCluster(s.appendEngine(text))
	if s.gate != nil {
		text = metrics.AppendConsole(text, s.console.Logins())
	}
	text = metrics.AppendAPI(metrics.AppendTraffic(metrics.AppendNode(text, s.nodeStats()), s.trafficStats()), s.apiRequests.ByMethod())
	if spans := s.config.Tracer.Stats(); spans != nil {
		text = metrics.AppendTracing(text, spans)
	}
	if stats.TLS != nil {
		text = metrics.AppendTLS(text, stats.TLS)
	}
	if s.hooks != nil {
		text = metrics.AppendWebhooks(text, s.hooks.Stats(), s.overruns.Load())
	}
	text = metrics.AppendEventLogs(text, s.events.Stats())
	text = metrics.AppendTickets(text, s.tickets.stats())
	_, _ = w.Write(metrics.AppendProcess(metrics.AppendLimits(text, s.limiter.stats())))
}
