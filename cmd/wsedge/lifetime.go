package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/wsedge/wsedge/internal/workers"
)

// drainTimeout bounds a drain, beyond what the server takes by its configuration.
const drainTimeout = 30 * time.Second

// server is what serve and echo run.
type server interface {
	Wait() error
	Shutdown(ctx context.Context) error
}

// timeToDrain bounds a drain of srv.
func timeToDrain(srv server) time.Duration {
	if slow, ok := srv.(interface{ DrainTime() time.Duration }); ok {
		return slow.DrainTime() + drainTimeout
	}
	return drainTimeout
}

// signals are those that the process gets.
type signals struct {
	end, reload chan os.Signal
	reconfigure func(text []byte) bool // what SIGHUP does beside certificates, and whether that was taken; nil: nothing
	supervisor  *supervisor
	member      *member // what a worker has from the supervisor of workers; nil: it is none
}

// catchSignals begins to catch them, before the server listens: SIGHUP must not end a process that is just starting.
func catchSignals() *signals {
	s := &signals{end: make(chan os.Signal, 2), reload: make(chan os.Signal, 1)}
	signal.Notify(s.end, syscall.SIGINT, syscall.SIGTERM)
	signal.Notify(s.reload, syscall.SIGHUP)
	return s
}

// release has signals end the process again. A worker goes on to catch them: a service manager may send SIGTERM to all processes of a
// service, and one that is about to exit, and dies of it, would be told as one that did not end well.
func (s *signals) release() {
	if s.member != nil {
		return
	}
	signal.Stop(s.end)
	signal.Stop(s.reload)
}

// live runs srv until it ends, by itself or because of SIGINT or SIGTERM, which drains it. A second signal exits at once. It
// returns the exit status.
func live(srv server, caught *signals, sec *security, logger *slog.Logger) int {
	sec.run()
	defer sec.end()
	ended := make(chan error, 1)
	go func() { ended <- srv.Wait() }()
	caught.supervisor.ready()
	caught.member.ready()
	for running := true; running; {
		select {
		case err := <-ended:
			logger.Error("server ended", "error", err)
			return exitFailure
		case <-caught.reload:
			caught.supervisor.reloading()
			caught.hangUp(sec, nil, logger)
			caught.supervisor.ready()
		case c := <-caught.member.commands():
			switch c.Verb {
			case workers.Reload:
				caught.member.reloaded(caught.hangUp(sec, c.Config, caught.member.tells(logger)))
			case workers.Rekey:
				sec.rekey(c.SessionKeys)
			default:
				return caught.member.leave(c, srv, caught, logger)
			}
		case s := <-caught.end:
			logger.Info("draining", "signal", s.String(), "timeout", timeToDrain(srv).String())
			running = false
		}
	}
	return drain(srv, caught, logger)
}

// hangUp is the answer to SIGHUP. text is that of the configuration file; nil: it is to be read. False: that was refused.
func (s *signals) hangUp(sec *security, text []byte, logger *slog.Logger) bool {
	if sec != nil || s.reconfigure == nil {
		sec.reload(logger)
	}
	return s.reconfigure == nil || s.reconfigure(text)
}

// drain shuts srv down. SIGHUP has no meaning any more.
func drain(srv server, caught *signals, logger *slog.Logger) int {
	drained := make(chan error, 1)
	caught.supervisor.stopping(timeToDrain(srv))
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), timeToDrain(srv))
		defer cancel()
		drained <- srv.Shutdown(ctx)
	}()
	select {
	case s := <-caught.end:
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
