package workers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
)

// Worker is a worker's side of what it has with its supervisor. All methods are safe from any goroutine.
type Worker struct {
	// Orders are what it was told at first. Immutable.
	Orders Orders
	// Commands come from the supervisor; the last is Orphaned or one of those that end the worker.
	Commands <-chan Command

	mu      sync.Mutex
	reports *os.File // guarded by mu
}

// Join takes up the work: it reads the orders, and whatever comes behind them from then on. The files are the worker's from then on.
func Join(orders, reports *os.File) (*Worker, error) {
	scanner := lines(orders)
	if !scanner.Scan() {
		return nil, errors.Join(errors.New("a worker is started by its supervisor alone"), scanner.Err())
	}
	w := &Worker{reports: reports}
	if err := json.Unmarshal(scanner.Bytes(), &w.Orders); err != nil {
		return nil, fmt.Errorf("orders: %w", err)
	}
	commands := make(chan Command, 1)
	w.Commands = commands
	go func() {
		for scanner.Scan() {
			var c Command
			if json.Unmarshal(scanner.Bytes(), &c) == nil {
				commands <- c
			}
		}
		commands <- Command{Verb: Orphaned}
	}()
	return w, nil
}

// report tells the supervisor. One that has gone is noticed elsewhere.
func (w *Worker) report(r report) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, _ = w.reports.Write(appendLine(nil, r))
}

// Ready says that the worker serves.
func (w *Worker) Ready() { w.report(report{Kind: reportReady}) }

// Reloaded says that what Reload has asked for is done, or was refused: then the supervisor starts nobody by it.
func (w *Worker) Reloaded(taken bool) { w.report(report{Kind: reportReloaded, Refused: !taken}) }

// Logger has what is logged told by the supervisor, once where several workers say the same: for what a command does.
func (w *Worker) Logger() *slog.Logger { return slog.New(&teller{worker: w}) }

// teller is a slog.Handler that reports.
type teller struct {
	worker *Worker
	attrs  []slog.Attr
}

func (*teller) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

func (h *teller) Handle(_ context.Context, record slog.Record) error {
	r := report{Kind: reportLog, Level: record.Level, Text: record.Message}
	add := func(a slog.Attr) bool {
		r.Pairs = append(r.Pairs, a.Key, a.Value.String())
		return true
	}
	for _, a := range h.attrs {
		add(a)
	}
	record.Attrs(add)
	h.worker.report(r)
	return nil
}

func (h *teller) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &teller{worker: h.worker, attrs: append(h.attrs[:len(h.attrs):len(h.attrs)], attrs...)}
}

// WithGroup implements slog.Handler. Nothing that is reported has groups.
func (h *teller) WithGroup(string) slog.Handler { return h }
