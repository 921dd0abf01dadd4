package edge

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"
)

// AdminOff as Config.AdminAddr serves neither metrics nor profiles.
const AdminOff = "off"

// Bounds of the admin address. Answers may take long: a profile is of as many seconds as is asked for.
const (
	adminHeadTimeout = 5 * time.Second
	adminIdleTimeout = time.Minute
	adminHeadBytes   = 16 << 10
)

// admin serves what is for operators alone, on an address of its own.
type admin struct {
	// Immutable after listenAdmin.
	listener net.Listener
	server   *http.Server
}

// adminProblems are those of the address.
func (cfg *Config) adminProblems() []error {
	if cfg.AdminAddr == "" || cfg.AdminAddr == AdminOff {
		return nil
	}
	host, _, err := net.SplitHostPort(cfg.AdminAddr)
	switch {
	case err != nil:
		return []error{fmt.Errorf("admin address %q: want host:port, or %s", cfg.AdminAddr, AdminOff)}
	case !cfg.InsecureAdmin && !isLoopback(host):
		return []error{fmt.Errorf("admin address %q: whoever reaches it sees metrics and the memory of the process; allow that explicitly "+
			"(--insecure-admin) or listen on 127.0.0.1", cfg.AdminAddr)}
	}
	return nil
}

// listenAdmin binds the admin address; nil where there is none.
func (s *Server) listenAdmin() (*admin, error) {
	if w := s.config.Worker; w != nil {
		return s.inside(w.Inside), nil
	}
	if !s.config.adminApart() || s.config.AdminAddr == AdminOff {
		return nil, nil
	}
	listener, err := net.Listen("tcp", s.config.AdminAddr)
	if err != nil {
		return nil, fmt.Errorf("admin address: %w", err)
	}
	return newAdmin(listener, GuardAdmin(s.config.AdminAddr, s.config.InsecureAdmin, s.adminRoutes()), s.config.Logger), nil
}

func newAdmin(listener net.Listener, handler http.Handler, logger *slog.Logger) *admin {
	return &admin{listener, NewAdminServer(handler, logger)}
}

// NewAdminServer makes a server of an admin address.
func NewAdminServer(handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: adminHeadTimeout, IdleTimeout: adminIdleTimeout, MaxHeaderBytes: adminHeadBytes,
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
}

// adminApart tells whether metrics have left the public address.
func (cfg *Config) adminApart() bool { return cfg.AdminAddr != "" }

func (s *Server) adminRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", s.serveMetrics)
	mux.HandleFunc("GET /healthz", s.serveHealth)
	mux.HandleFunc("GET /readyz", s.serveReady)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	if s.config.adminApart() {
		s.registerConsole(mux)
	}
	return boundBodies(s.config.bodyTimeout, mux)
}

// serve answers until end. It blocks.
func (a *admin) serve(logger *slog.Logger) {
	if err := a.server.Serve(a.listener); !errors.Is(err, http.ErrServerClosed) {
		logger.Error("admin address ended", "error", err)
	}
}

// end cuts off what is being answered. Without an admin address it does nothing.
func (a *admin) end() {
	if a != nil {
		_ = a.server.Close()
		_ = a.listener.Close() // not the server's yet where it never served
	}
}

// AdminAddr is where metrics and profiles are served; nil where that is no address of its own.
func (s *Server) AdminAddr() net.Addr {
	if s.admin == nil {
		return nil
	}
	return s.admin.listener.Addr()
}
