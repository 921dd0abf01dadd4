package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// drainTimeout bounds a drain.
const drainTimeout = 30 * time.Second

// server is what serve and echo run.
type server interface {
	Wait() error
	Shutdown(ctx context.Context) error
}

// live runs srv until it ends, by itself or because of SIGINT or SIGTERM, which drains it. A second signal exits at once. It
// returns the exit status.
func live(srv server, logger *slog.Logger) int {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(signals)
	ended := make(chan error, 1)
	go func() { ended <- srv.Wait() }()
	select {
	case err := <-ended:
		logger.Error("server ended", "error", err)
		return exitFailure
	case s := <-signals:
		logger.Info("draining", "signal", s.String(), "timeout", drainTimeout.String())
	}
	drained := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
		defer cancel()
		drained <- srv.Shutdown(ctx)
	}()
	select {
	case s := <-signals:
		logger.Error("exiting without waiting any longer", "signal", s.String())
		return exitFailure
	case err := <-drained:
		if err != nil {
			logger.Error("drain was cut short", "error", err)
			return exitFailure
		}
		logger.Info("drained")
		return exitOK
	}
}
