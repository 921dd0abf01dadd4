package main

import (
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/wsedge/wsedge/internal/broker/embedded"
	"github.com/wsedge/wsedge/internal/certs"
	"github.com/wsedge/wsedge/internal/edge"
	"github.com/wsedge/wsedge/internal/ticket"
	"github.com/wsedge/wsedge/internal/workers"
	"github.com/wsedge/wsedge/reactor"
)

// mostWorkers is more than any machine has CPUs for; it bounds what a slip of the finger starts.
const mostWorkers = 256

// sharedHistoryBytes bounds what the supervisor keeps in memory for its workers, where nothing else is configured.
const sharedHistoryBytes = 1 << 30

// addWorkers declares --workers.
func addWorkers(flags *flag.FlagSet, n *int) {
	flags.IntVar(n, "workers", 0, "serve with so many processes, on the one port, under a supervisor that runs the engine for them (default: this process alone)")
}

// checkWorkers says what does not go together with --workers.
func (s *serving) checkWorkers() error {
	if s.workers == 0 {
		return nil
	}
	var problems []error
	wrong := func(text string) { problems = append(problems, errors.New("--workers: "+text)) }
	if s.workers < 0 || s.workers > mostWorkers {
		wrong(fmt.Sprintf("want 0 to %d", mostWorkers))
	}
	if runtime.GOOS != "linux" {
		wrong("several processes can share a port on Linux only")
	}
	if reactor.IsUnix(s.cfg.Addr) {
		wrong("a Unix socket is served by one process: let a proxy before it balance, or listen on a port")
	}
	if len(s.secure.domains.values) > 0 {
		wrong("--acme-domain is for one process: have another program obtain the certificate, and name its files with --tls-cert and --tls-key, which workers load again when they change")
	}
	return errors.Join(problems...)
}

// team is what the supervisor of workers runs beside them.
type team struct {
	dir    string // of sockets, and of the engine that is not named
	engine *embedded.Server
	port   *reactor.SharedPort
	admin  net.Listener // nil: none
	inside net.Listener // for workers
}

// close ends it, behind the workers.
func (t *team) close() {
	for _, l := range []net.Listener{t.admin, t.inside} {
		if l != nil {
			l.Close()
		}
	}
	if t.port != nil {
		t.port.Close()
	}
	if t.engine != nil {
		t.engine.Close()
	}
	if t.dir != "" {
		_ = os.RemoveAll(t.dir)
	}
}

// open starts what the workers need. After an error the rest is closed by close.
func (t *team) open(s *serving, logger *slog.Logger) (err error) {
	if t.dir, err = os.MkdirTemp("", "wsedge-"); err != nil {
		return err
	}
	if t.port, err = reactor.ReservePort(s.cfg.Addr); err != nil {
		return fmt.Errorf("listen on %s: %w", s.cfg.Addr, err)
	}
	if t.inside, err = net.Listen("unix", filepath.Join(t.dir, "supervisor.sock")); err != nil {
		return err
	}
	if addr := s.cfg.AdminAddr; addr != "" && addr != edge.AdminOff {
		if t.admin, err = net.Listen("tcp", addr); err != nil {
			return fmt.Errorf("admin address: %w", err)
		}
	}
	config := s.engine.embedded
	switch s.engine.engine {
	case engineEmbedded:
	case engineMemory:
		config.Dir, config.MaxMemory = filepath.Join(t.dir, "engine"), s.cfg.HistoryMaxBytes
		if config.MaxMemory == 0 {
			config.MaxMemory = sharedHistoryBytes
		}
	default:
		return nil // each worker connects itself
	}
	config.Clients, config.Logger = true, logger
	t.engine, err = embedded.Start(config)
	return err
}

// orders are what all workers are told.
func (t *team) orders(s *serving) workers.Orders {
	o := workers.Orders{Name: strings.ToLower(rand.Text()[:8]), Whole: t.inside.Addr().String(), TicketKey: ticket.NewKey(), Config: s.text, Basis: s.text}
	if t.engine != nil {
		o.Engine = &workers.Engine{InMemory: s.engine.engine == engineMemory}
		o.Engine.URL, o.Engine.User, o.Engine.Password = t.engine.Access()
	}
	return o
}

// supervise is serve with workers.
func (s *serving) supervise(e *environment, args []string, certificates *certs.Config, logger *slog.Logger) int {
	caught := catchSignals()
	defer caught.release()
	roll := make(chan os.Signal, 1)
	signal.Notify(roll, syscall.SIGUSR2)
	defer signal.Stop(roll)
	caught.supervisor = newSupervisor(e, logger)
	sec, err := s.secure.open(certificates) // that it can be, and how URLs begin
	if err != nil {
		return e.fail(err, exitFailure)
	}
	program, err := os.Executable()
	if err != nil {
		return e.fail(err, exitFailure)
	}
	t := &team{}
	defer t.close()
	if err := t.open(s, logger); err != nil {
		return e.fail(err, exitFailure)
	}
	crew := workers.New(workers.Config{
		Workers: s.workers, Program: program, Args: append([]string{"serve"}, args...), Env: workerEnvironment(os.Environ(), s.workers),
		Orders: t.orders(s), Stdout: os.Stdout, Stderr: os.Stderr, Socket: t.port.Socket, Dir: t.dir,
		DrainTime: s.cfg.Drain.Time() + drainTimeout, Logger: logger,
		Started: func() {
			var admin net.Addr
			if t.admin != nil {
				admin = t.admin.Addr()
			}
			s.introduce(t.port.Addr(), admin, sec, logger)
			caught.supervisor.ready()
		},
		Reloaded: caught.supervisor.ready,
	})
	t.serve(crew, s, logger)
	ended := make(chan error, 1)
	go func() { ended <- crew.Run() }()
	return s.lead(crew, ended, caught, roll, func() (*serving, error) { return readAgain(e, args) }, logger)
}

// serve answers operators and workers, until close.
func (t *team) serve(crew *workers.Supervisor, s *serving, logger *slog.Logger) {
	go func() { _ = edge.NewAdminServer(crew.ForWorkers(), logger).Serve(t.inside) }()
	if t.admin != nil {
		handler := edge.GuardAdmin(s.cfg.AdminAddr, s.cfg.InsecureAdmin, crew.ForOperators())
		go func() { _ = edge.NewAdminServer(handler, logger).Serve(t.admin) }()
	}
}

// lead passes signals on to the workers until all have ended, and returns the exit status.
func (s *serving) lead(crew *workers.Supervisor, ended <-chan error, caught *signals, roll <-chan os.Signal, again func() (*serving, error), logger *slog.Logger) int {
	draining := false
	for {
		select {
		case err := <-ended:
			if err != nil {
				logger.Error("workers ended", "error", err)
				return exitFailure
			}
			logger.Info("drained")
			return exitOK
		case <-caught.reload:
			if draining {
				continue
			}
			caught.supervisor.reloading()
			var text []byte
			if s.file != "" {
				text, _ = readFile(s.file) // what is wrong with it workers say, by reading it
			}
			crew.Reload(text)
		case <-roll:
			now, err := again()
			if err != nil {
				for problem := range strings.SplitSeq(strings.TrimSpace(err.Error()), "\n") {
					logger.Error("SIGUSR2: no rolling restart, workers could not start", "problem", problem)
				}
				continue
			}
			crew.Roll(now.text)
		case sig := <-caught.end:
			if draining {
				logger.Error("exiting without waiting any longer", "signal", sig.String())
				crew.Cut()
				continue
			}
			draining = true
			logger.Info("draining", "signal", sig.String(), "timeout", (s.cfg.Drain.Time() + drainTimeout).String())
			caught.supervisor.stopping(s.cfg.Drain.Time() + drainTimeout)
			crew.Drain()
		}
	}
}

// workerEnvironment is that of the process, for a worker: the service manager is the supervisor's to tell, and a limit of memory is for all of
// them, the supervisor included.
func workerEnvironment(environment []string, n int) (env []string) {
	for _, pair := range environment {
		name, _, _ := strings.Cut(pair, "=")
		if name != "NOTIFY_SOCKET" && name != "GOMEMLIMIT" && name != workerVariable && pair != calmedMonitor {
			env = append(env, pair)
		}
	}
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
		env = append(env, fmt.Sprintf("GOMEMLIMIT=%d", limit/int64(n+1)))
	}
	return append(env, workerVariable+"=1")
}
