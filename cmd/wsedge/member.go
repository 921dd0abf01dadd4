package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/wsedge/wsedge/internal/certs"
	"github.com/wsedge/wsedge/internal/edge"
	"github.com/wsedge/wsedge/internal/workers"
	"github.com/wsedge/wsedge/reactor"
)

// workerVariable in the environment says that the process is a worker, which has its files from a supervisor.
const workerVariable = "WSEDGE_WORKER"

// orphanTime is how long a worker goes on whose supervisor has ended, and with it the engine: its clients are to find another server.
const orphanTime = 5 * time.Second

// enlist takes up a worker's orders. nil: the process is none.
func enlist(e *environment) (*workers.Worker, error) {
	if _, is := e.lookup(workerVariable); !is {
		return nil, nil
	}
	return workers.Join(os.NewFile(workers.FileOrders, "orders"), os.NewFile(workers.FileReports, "reports"))
}

// member is a worker's part in what several processes serve together. nil: the process is none, and all methods do nothing.
type member struct {
	worker *workers.Worker
	whole  *workers.Whole
}

// join fits what a worker is to do into s and the TLS configuration, which is nil without. Where the process is none it returns nil.
func (s *serving) join(w *workers.Worker, certificates *certs.Config) *member {
	if w == nil {
		return nil
	}
	if certificates != nil {
		certificates.SessionKeys = w.Orders.SessionKeys
	}
	of := w.Orders.Of
	s.engine.supervised = w.Orders.Engine
	s.cfg.MaxConns = (s.cfg.MaxConns + of - 1) / of
	if s.cfg.Loops == 0 {
		s.cfg.Loops = max(1, runtime.GOMAXPROCS(0)/of)
	}
	return &member{worker: w}
}

// logger says of each line which worker's it is.
func (m *member) logger(l *slog.Logger) *slog.Logger {
	if m == nil {
		return l
	}
	return l.With("worker", m.worker.Orders.Index)
}

// tells has the supervisor log what all workers say to a command.
func (m *member) tells(l *slog.Logger) *slog.Logger {
	if m == nil {
		return l
	}
	return m.worker.Logger()
}

// listen takes over the socket that the supervisor has given.
func (m *member) listen(cfg *edge.Config) error {
	if m == nil {
		return nil
	}
	socket := os.NewFile(workers.FileSocket, "socket")
	defer socket.Close()
	listener, err := reactor.ListenOn(socket)
	if err != nil {
		return fmt.Errorf("worker %d: %w", m.worker.Orders.Index, err)
	}
	inside, err := net.Listen("unix", m.worker.Orders.Inside)
	if err != nil {
		return fmt.Errorf("worker %d: %w", m.worker.Orders.Index, err)
	}
	cfg.NodeName = fmt.Sprintf("%s/%d", cfg.NodeName, m.worker.Orders.Index)
	m.whole = workers.WholeAt(m.worker.Orders.Whole, cfg.Logger)
	cfg.Worker = &edge.Worker{Of: m.worker.Orders.Of, Name: m.worker.Orders.Name, TicketKey: m.worker.Orders.TicketKey, Listener: listener, Inside: inside, Whole: m.whole, Stats: m.whole.Stats}
	return nil
}

func (m *member) ready() {
	if m != nil {
		m.worker.Ready()
	}
}

func (m *member) reloaded(taken bool) { m.worker.Reloaded(taken) }

// commands are the supervisor's; none ever come where there is none.
func (m *member) commands() <-chan workers.Command {
	if m == nil {
		return nil
	}
	return m.worker.Commands
}

// leave ends the server as a command says, and returns the exit status. A second signal ends it at once. The first only says once more what the
// command has said: a service manager may send SIGTERM to all processes of a service.
func (m *member) leave(c workers.Command, srv server, caught *signals, logger *slog.Logger) int {
	logger.Info("draining", "command", string(c.Verb))
	limit, end := timeToDrain(srv), srv.Shutdown
	if retiring, ok := srv.(interface{ Retire(context.Context) error }); ok && c.Verb == workers.Retire {
		end = retiring.Retire
	}
	if c.Verb == workers.Orphaned {
		logger.Error("the supervisor has ended: so does this worker")
		limit = orphanTime
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	drained := make(chan error, 1)
	go func() { drained <- end(ctx) }()
	orphaned := c.Verb == workers.Orphaned
	for told := 0; ; {
		select {
		case s := <-caught.end:
			if told++; told < 2 {
				continue
			}
			logger.Error("exiting without waiting any longer", "signal", s.String())
			return exitFailure
		case c := <-m.worker.Commands:
			if c.Verb == workers.Orphaned {
				orphaned = true
				time.AfterFunc(orphanTime, cancel)
			}
		case err := <-drained:
			if orphaned {
				_ = os.RemoveAll(filepath.Dir(m.worker.Orders.Whole)) // which the supervisor would have done
			}
			if err != nil {
				logger.Error("drain was cut short", "error", err)
				return exitFailure
			}
			return exitOK
		}
	}
}
