package main

import (
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

//go:embed page.html
var page []byte

// What members write is put into the page as text, never as HTML.
const pagePolicy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self' ws: wss:; img-src data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// web serves what is no WebSocket: the page, metrics, and a sign of life.
func (ch *chat) web() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", pagePolicy)
		_, _ = w.Write(page)
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		if !ch.admits(r.URL.RawQuery, r.Header.Get("Authorization")) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "token", http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		ch.writeMetrics(w)
	})
	return mux
}

// admits reports whether a request brings the token, if there is one. The time that comparing hashes takes tells nothing.
func (ch *chat) admits(query, authorization string) bool {
	given, ok := strings.CutPrefix(authorization, "Bearer ")
	if values, _ := url.ParseQuery(query); !ok { // what is malformed in it is no token
		given = values.Get("token")
	}
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(ch.token))
	return ch.token == "" || subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// writeMetrics writes the text format of Prometheus.
func (ch *chat) writeMetrics(w io.Writer) {
	family := func(name, kind, label string, values map[string]int64) {
		fmt.Fprintf(w, "# TYPE %s %s\n", name, kind)
		for _, value := range slices.Sorted(maps.Keys(values)) {
			fmt.Fprintf(w, "%s{%s=%q} %d\n", name, label, value, values[value])
		}
	}
	byPath := func(name, kind string, value func(p *path) int64) {
		values := map[string]int64{}
		for _, name := range pathNames {
			values[name] = value(ch.paths["/"+name])
		}
		family(name, kind, "path", values)
	}
	byPath("wschat_members", "gauge", func(p *path) int64 { return int64(p.everyone.topic.Subscribers()) })
	byPath("wschat_messages_total", "counter", func(p *path) int64 { return p.messages.Load() })
	byPath("wschat_limited_total", "counter", func(p *path) int64 { return p.limited.Load() })
	byPath("wschat_acks_total", "counter", func(p *path) int64 { return p.acks.Load() })
	byPath("wschat_pushes_total", "counter", func(p *path) int64 { return p.pushes.Load() })
	s := ch.server.Stats()
	fmt.Fprintf(w, "# TYPE wschat_deliveries_total counter\nwschat_deliveries_total %d\n", s.Deliveries)
	family("wschat_drops_total", "counter", "reason", s.Drops)     // pushes that a member did not get
	family("wschat_ended_total", "counter", "cause", s.Ended)      // connections that the server ended
	family("wschat_refused_total", "counter", "reason", s.Refused) // handshakes
	if ch.log != nil {
		fmt.Fprintf(w, "# TYPE wschat_push_log_missed_total counter\nwschat_push_log_missed_total %d\n", ch.log.missed.Load())
	}
}
