package api

import (
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wsedge/wsedge/internal/histogram"
)

// methods are those whose requests are counted apart; all others are "other": a path that somebody makes up makes no series.
var methods = [...]string{
	"batch", "broadcast", "channels", "client", "disconnect", "history", "info", "openapi.yaml", "presence", "publish", "revoke", "subscribe", "unsubscribe", "why", "other",
}

// Stats counts requests. The zero value is empty. Safe from any goroutine.
type Stats struct {
	of [len(methods)]methodStats
}

type methodStats struct {
	answered [6]atomic.Int64 // by the first digit of the status
	took     histogram.Durations
}

// MethodStats are the requests to one method.
type MethodStats struct {
	// Method is the last part of the path, "other" for what there is not.
	Method string
	// Answered are the requests by the class of their status: its first digit.
	Answered [6]int64
	// Took is how long they took.
	Took histogram.Snapshot
}

// ByMethod returns what was counted so far, in the order of the methods' names.
func (s *Stats) ByMethod() []MethodStats {
	all := make([]MethodStats, len(methods))
	for i := range all {
		all[i] = MethodStats{Method: methods[i], Took: s.of[i].took.Snapshot()}
		for class := range s.of[i].answered {
			all[i].Answered[class] = s.of[i].answered[class].Load()
		}
	}
	return all
}

// counted has the requests to next counted. A nil Stats counts nothing.
func (s *Stats) counted(next http.Handler) http.Handler {
	if s == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		of, seen, began := &s.of[methodIndex(r.URL.Path)], &statusWriter{ResponseWriter: w, status: http.StatusOK}, time.Now()
		status := http.StatusInternalServerError // where the handler panics, whatever it has said before
		defer func() {
			of.answered[min(status/100, len(of.answered)-1)].Add(1)
			of.took.Observe(time.Since(began))
		}()
		next.ServeHTTP(seen, r)
		status = seen.status
	})
}

// methodIndex is a path's place among the methods.
func methodIndex(path string) int {
	name := strings.TrimPrefix(path, "/api/")
	for i := range methods[:len(methods)-1] {
		if methods[i] == name {
			return i
		}
	}
	return len(methods) - 1
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
