package console

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"github.com/wsedge/wsedge/internal/api"
	"github.com/wsedge/wsedge/internal/auth"
)

// Config is what a console works with.
type Config struct {
	// Node and Version say whose console it is. Node is also in the name of the cookie, so that the consoles of two nodes on one machine
	// do not log each other out.
	Node, Version string
	// Stats are the figures of the moment. Required.
	Stats func() Stats
	// API is the handler of everything below /api/, which takes the caller from api.WithCaller. Required.
	API http.Handler
	// Socket is the path of the native dialect for the page. Required.
	Socket string
	// Watch serves SocketPath, if that is Socket: requests have been let in, and VisitOf knows by whom. May be nil.
	Watch http.Handler
	// Login has users log in. nil: whoever reaches the console may use it.
	Login *Login
	// Logger hears of logins. Required with Login.
	Logger *slog.Logger
}

// Login is what a console with a login works with. Everything is required.
type Login struct {
	// Backend tells whose API key was presented, nil for nobody's, and Current what the key of a login opens now, nil if it is gone.
	Backend func(presented string) *auth.Backend
	Current func(*auth.Backend) *auth.Backend
	// MayTry tells whether a key may be looked at, or how long not, and Failed hears of each that was not good.
	MayTry func(r *http.Request) (wait time.Duration, ok bool)
	Failed func(r *http.Request)
	// Ended hears of the end of a login, by the ID of its Visit: what was opened with it is to be closed.
	Ended func(id string)
	// Now is the wall clock.
	Now func() time.Time
}

// SocketPath is where Watch is.
const SocketPath = "/console/ws"

// header is what the page's own requests carry. A page of another origin cannot add it without being asked by the browser first, which
// nobody answers; the cookie is not sent along either, and a foreign Origin is refused before: three locks on one door.
const header = "X-Wsedge-Console"

// Console is the page and what is behind it.
type Console struct {
	config   Config
	sessions sessions
	logins   logins
}

// New makes a console.
func New(config Config) *Console { return &Console{config: config} }

// Register adds the console's routes: / and everything below /console/.
func (c *Console) Register(mux *http.ServeMux) {
	for path, f := range files() {
		mux.Handle("GET "+path, f)
	}
	mux.HandleFunc("GET /console/session", c.serveSession)
	mux.Handle("GET /console/stats", c.guard(http.HandlerFunc(c.serveStats)))
	mux.Handle("/console/api/", c.guard(http.StripPrefix("/console", c.config.API)))
	if c.config.Watch != nil {
		mux.Handle("GET "+SocketPath, c.guard(c.config.Watch))
	}
	if c.config.Login != nil {
		mux.HandleFunc("POST /console/login", own(c.serveLogin))
		mux.HandleFunc("POST /console/logout", own(c.serveLogout))
	}
}

// own lets only requests pass that the page has made.
func own(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(header) == "" {
			fail(w, http.StatusForbidden, "permission_denied", "the header "+header+" is missing")
			return
		}
		next(w, r)
	}
}

type visitKey struct{}

// VisitOf is who has logged in, for a request that Watch serves; ok is false for any other request.
func VisitOf(ctx context.Context) (v Visit, ok bool) {
	v, ok = ctx.Value(visitKey{}).(Visit)
	return v, ok
}

// guard lets only those pass who are logged in, if anybody is asked, and tells next who they are.
func (c *Console) guard(next http.Handler) http.Handler {
	serve := func(w http.ResponseWriter, r *http.Request) {
		visit := c.visit(r)
		if visit == nil {
			fail(w, http.StatusUnauthorized, "unauthorized", "log in first")
			return
		}
		ctx := context.WithValue(r.Context(), visitKey{}, *visit)
		if visit.Backend != nil {
			ctx = api.WithCaller(ctx, visit.Backend)
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			serve(w, r)
			return
		}
		own(serve)(w, r)
	})
}

func (c *Console) serveStats(w http.ResponseWriter, _ *http.Request) {
	stats := c.config.Stats()
	stats.Node, stats.Logins = c.config.Node, c.Logins()
	reply(w, http.StatusOK, stats)
}

// about is what the page is told before anything else.
type about struct {
	Login     bool         `json:"login"` // users log in
	In        bool         `json:"in"`    // this one has, or need not; otherwise nothing else is told
	Node      string       `json:"node,omitempty"`
	Version   string       `json:"version,omitempty"`
	Name      string       `json:"name,omitempty"`   // of the API key
	Scopes    []auth.Scope `json:"scopes,omitempty"` // of it
	Socket    string       `json:"socket,omitempty"`
	ExpiresIn int64        `json:"expires_in,omitempty"` // seconds
}

// serveSession tells the page what it may do. Without a login it tells nothing but that one is needed.
func (c *Console) serveSession(w http.ResponseWriter, r *http.Request) {
	visit := c.visit(r)
	if visit == nil {
		reply(w, http.StatusOK, about{Login: true})
		return
	}
	a := about{In: true, Node: c.config.Node, Version: c.config.Version, Socket: c.config.Socket, Scopes: []auth.Scope{auth.ScopeAll}}
	if visit.Backend != nil {
		a.Login, a.Name, a.Scopes = true, visit.Backend.Name, visit.Backend.Scopes()
		a.ExpiresIn = int64(visit.Expires.Sub(c.config.Login.Now()) / time.Second)
	}
	reply(w, http.StatusOK, a)
}

// fail answers with an error as the API does.
func fail(w http.ResponseWriter, status int, code, message string) {
	reply(w, status, struct {
		Type    string `json:"type"`
		Code    string `json:"code"`
		Message string `json:"message"`
	}{"error", code, message})
}

func reply(w http.ResponseWriter, status int, value any) {
	text, _ := json.Marshal(value) // structs of our own: it can't fail
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}
