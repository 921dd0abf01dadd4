package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/wsedge/wsedge/loadtest"
	"github.com/wsedge/wsedge/loadtest/show"
)

// defaultColumns and defaultRows are for terminals that do not know their size.
const (
	defaultColumns = 80
	defaultRows    = 24
)

// observe sets up what is told of a run while it goes on: a view on a terminal or lines elsewhere, and scrapes. stop ends all
// of it.
func (o *options) observe(stderr io.Writer) (stop func(), err error) {
	var watchers []func(loadtest.Status)
	stopServer, stopView := func() {}, func() {}
	if o.prometheus != "" {
		metrics := &show.Prometheus{}
		if stopServer, err = serveMetrics(o.prometheus, metrics); err != nil {
			return nil, err
		}
		watchers = append(watchers, metrics.Update)
	}
	switch terminal := viewOn(stderr); {
	case o.quiet:
	case o.plain || terminal == nil:
		o.config.Progress = func(line string) { fmt.Fprintln(stderr, line) }
	default:
		view := show.StartLive(terminal, func() (int, int) { return terminalSize(terminal) })
		watchers = append(watchers, view.Update)
		stopView = view.Stop
	}
	if len(watchers) > 0 {
		o.config.Observe = func(s loadtest.Status) {
			for _, watch := range watchers {
				watch(s)
			}
		}
	}
	return func() { stopView(); stopServer() }, nil
}

// viewOn is the terminal that w is, if one can draw on it.
func viewOn(w io.Writer) *os.File {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" || os.Getenv("TERM") == "" {
		return nil
	}
	if _, _, ok := show.TerminalSize(f); !ok {
		return nil
	}
	return f
}

func terminalSize(f *os.File) (columns, rows int) {
	columns, rows, ok := show.TerminalSize(f)
	if !ok || columns == 0 {
		return defaultColumns, defaultRows
	}
	return columns, rows
}

// serveMetrics answers HTTP requests until stop.
func serveMetrics(address string, handler http.Handler) (stop func(), err error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("prometheus: %w", err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		// It ends with ErrServerClosed; a listener that fails before only ends the scrapes.
		_ = server.Serve(listener)
	}()
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := server.Shutdown(ctx); errors.Is(err, context.DeadlineExceeded) {
			_ = server.Close()
		}
		<-done
	}, nil
}
