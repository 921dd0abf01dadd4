package workers

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/http/pprof"
	"strconv"
	"strings"

	"github.com/wsedge/wsedge/internal/console"
	"github.com/wsedge/wsedge/internal/metrics"
)

// whole has what is asked of the server as a whole.
func (s *Supervisor) whole() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", metrics.ContentType)
		_, _ = w.Write(s.Exposition(nil))
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, s.Healthy) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { say(w, s.Ready) })
	return mux
}

// say answers with how the server is.
func say(w http.ResponseWriter, is func() (ok bool, what string)) {
	ok, what := is()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if !ok {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = io.WriteString(w, what)
}

// ForWorkers is what workers ask their supervisor for: what is asked of them about the whole, and the console's figures.
func (s *Supervisor) ForWorkers() http.Handler {
	mux := s.whole()
	mux.HandleFunc("GET "+pathStats, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(s.Stats())
	})
	return mux
}

// ForOperators is what the admin address has: the whole's metrics, the supervisor's profiles, and those of worker 2 below
// /debug/worker/2/pprof/. All else, which is the console, one worker serves.
func (s *Supervisor) ForOperators() http.Handler {
	mux := s.whole()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /debug/worker/{worker}/pprof/", func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(r.PathValue("worker"))
		if p := s.process(n); err == nil && p != nil {
			prefix := "/debug/worker/" + r.PathValue("worker")
			s.pass(p, "/debug"+strings.TrimPrefix(r.URL.Path, prefix), w, r)
			return
		}
		http.Error(w, "there is no such worker at the moment", http.StatusNotFound)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		for n := range s.slots { // the first, as long as it is there: users have logged in to its console
			if p := s.process(n); p != nil {
				s.pass(p, r.URL.Path, w, r)
				return
			}
		}
		http.Error(w, "no worker is ready", http.StatusServiceUnavailable)
	})
	return mux
}

// process is the one in slot n that serves; nil: none does.
func (s *Supervisor) process(n int) *process {
	if n < 0 || n >= len(s.slots) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.slots[n].current; p != nil && p.state == ready {
		return p
	}
	return nil
}

// pass has a process answer a request, under a path. A WebSocket passes, too.
func (s *Supervisor) pass(p *process, path string, w http.ResponseWriter, r *http.Request) {
	through(p.client.Transport, path, s.config.Logger).ServeHTTP(w, r)
}

// through passes requests on by a transport, under their own Host, which has been looked at; path "" is theirs.
func through(transport http.RoundTripper, path string, logger *slog.Logger) http.Handler {
	return &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", "worker"
			r.Out.Host = r.In.Host
			if path != "" {
				r.Out.URL.Path, r.Out.URL.RawPath = path, ""
			}
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, "no answer from another process of this server", http.StatusBadGateway)
		},
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
}

// Whole is what a worker knows of all, by asking its supervisor.
type Whole struct {
	client  *http.Client
	handler http.Handler
}

// WholeAt makes one that asks the supervisor at the path of its socket.
func WholeAt(path string, logger *slog.Logger) *Whole {
	client := clientOf(path)
	return &Whole{client, through(client.Transport, "", logger)}
}

// ServeHTTP answers for all.
func (w *Whole) ServeHTTP(to http.ResponseWriter, r *http.Request) { w.handler.ServeHTTP(to, r) }

// Stats are the console's figures of all; ok is false where the supervisor does not answer.
func (w *Whole) Stats() (stats console.Stats, ok bool) {
	response, err := w.client.Get("http://supervisor" + pathStats)
	if err != nil {
		return stats, false
	}
	defer response.Body.Close()
	err = json.NewDecoder(io.LimitReader(response.Body, mostBytes)).Decode(&stats)
	return stats, err == nil && response.StatusCode == http.StatusOK
}
