package workers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/wsedge/wsedge/internal/console"
	"github.com/wsedge/wsedge/internal/metrics"
)

// Config is what a Supervisor works with. Everything is required that has no default.
type Config struct {
	// Workers is how many there are.
	Workers int
	// Program, Args and Env start a worker: the same for all. Orders are what each is told, but for what is its own.
	Program   string
	Args, Env []string
	Orders    Orders
	// Stdout and Stderr are the workers'. Default: none.
	Stdout, Stderr *os.File
	// Socket makes a socket of the port for a worker to listen on.
	Socket func() (*os.File, error)
	// Dir is for the Unix sockets: nobody else may reach it.
	Dir string
	// Patience is how long a worker may take until it is ready. Default 1 min.
	Patience time.Duration
	// DrainTime is what a worker may take to end once it is told to. It is killed some seconds later.
	DrainTime time.Duration
	// KeyInterval is how often there is a new key for TLS session tickets. Default 24 h.
	KeyInterval time.Duration
	// Started is called when all workers are ready for the first time, and Reloaded when all have reloaded, or refused to. On the goroutine of Run.
	Started, Reloaded func()
	// Logger hears of workers. Default slog.Default().
	Logger *slog.Logger
}

// Supervisor runs workers. All methods are safe from any goroutine.
type Supervisor struct {
	config Config
	began  time.Time
	events chan event
	done   chan struct{} // closed when Run has ended

	// Owned by Run.
	numbers   int               // of processes started
	reloading map[*process]bool // who has not answered yet
	reloads   int               // how often
	offered   []byte            // the configuration of the last one
	taken     int               // how many have taken that
	refused   int               // how many have not
	next      func()            // a reload that was asked for meanwhile; nil: none
	before    [2][]byte         // Config and Basis before the last rolling restart
	told      map[string]bool   // what was logged of this reload
	problem   error             // why Run will end
	sessions  sessionKeys

	mu       sync.Mutex
	slots    []*slot // their fields are guarded by mu; the slice is immutable
	started  bool
	draining bool
	rolling  bool
	restarts int64
	sum      metrics.Sum   // of processes that have ended
	totals   console.Stats // likewise
}

// event is what Run waits for.
type event struct {
	process *process
	report  *report
	ended   bool
	err     error

	do func() // what others want done on Run's goroutine
}

// New makes a supervisor, which does nothing until Run.
func New(config Config) *Supervisor {
	config.Patience = cmp.Or(config.Patience, time.Minute)
	config.KeyInterval = cmp.Or(config.KeyInterval, sessionKeyInterval)
	config.Logger = cmp.Or(config.Logger, slog.Default())
	s := &Supervisor{config: config, began: time.Now(), events: make(chan event, 64), done: make(chan struct{}), reloading: make(map[*process]bool)}
	for i := range config.Workers {
		s.slots = append(s.slots, &slot{index: i})
	}
	return s
}

// post has Run hear of an event.
func (s *Supervisor) post(e event) {
	select {
	case s.events <- e:
	case <-s.done:
	}
}

func (s *Supervisor) do(f func()) { s.post(event{do: f}) }

// after has f done on Run's goroutine when d has passed.
func (s *Supervisor) after(d time.Duration, f func()) { time.AfterFunc(d, func() { s.do(f) }) }

// ErrCut says that workers were ended before they had drained.
var ErrCut = errors.New("workers were cut off")

// Run starts the workers, and returns when all have ended: nil after Drain. Where one ends before all were ready, all do, and the error says why.
func (s *Supervisor) Run() error {
	defer close(s.done)
	defer s.closeSockets()
	go s.lookEvery(lookInterval)
	s.rekey()
	for _, sl := range s.slots {
		s.fill(sl)
	}
	for s.running() > 0 || !s.draining {
		switch e := <-s.events; {
		case e.do != nil:
			e.do()
		case e.ended:
			s.ended(e.process, e.err)
		default:
			s.heard(e.process, e.report)
		}
	}
	return s.problem
}

// change changes what others look at.
func (s *Supervisor) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// running is how many processes run.
func (s *Supervisor) running() (n int) {
	for _, sl := range s.slots {
		n += len(sl.processes())
	}
	return n
}

func (s *Supervisor) closeSockets() {
	for _, sl := range s.slots {
		if sl.socket != nil {
			sl.socket.Close()
		}
	}
}

// fill starts a process in a slot that has none.
func (s *Supervisor) fill(sl *slot) {
	if s.draining || sl.current != nil {
		return
	}
	p, err := s.startIn(sl)
	if err != nil {
		s.config.Logger.Error("a worker cannot be started", "worker", sl.index, "error", err)
		s.failed(sl, fmt.Errorf("worker %d: %w", sl.index, err))
		return
	}
	s.change(func() { sl.current = p })
	s.watchStart(p)
}

// startIn starts a process on the slot's socket.
func (s *Supervisor) startIn(sl *slot) (*process, error) {
	if sl.socket == nil {
		socket, err := s.config.Socket()
		if err != nil {
			return nil, err
		}
		s.change(func() { sl.socket = socket })
	}
	return s.start(sl)
}

// watchStart ends a process that is not ready in time.
func (s *Supervisor) watchStart(p *process) {
	s.after(s.config.Patience, func() {
		if p.state == starting {
			s.config.Logger.Error("worker is not ready in time", "worker", p.slot.index, "pid", p.cmd.Process.Pid)
			p.kill()
		}
	})
}

// heard takes a report.
func (s *Supervisor) heard(p *process, r *report) {
	switch r.Kind {
	case reportReady:
		s.ready(p)
	case reportReloaded:
		s.reloaded(p, r)
	case reportLog:
		s.tell(r)
	}
}

// ready notes that a process serves. If it is to replace another, that one retires.
func (s *Supervisor) ready(p *process) {
	sl := p.slot
	s.change(func() {
		p.state, p.readySince = ready, time.Now()
		if sl.fresh == p {
			sl.old, sl.current, sl.fresh = sl.current, p, nil
			if sl.old != nil {
				sl.old.state = retiring
			}
		}
	})
	if s.draining {
		return // it has been told
	}
	if s.started {
		s.config.Logger.Info("worker ready", "worker", sl.index, "pid", p.cmd.Process.Pid)
	}
	if s.rolling && sl.old != nil {
		s.retire(sl.old)
	} else if s.rolling {
		s.rollOn()
	}
	if !s.started && s.all(ready) {
		s.change(func() { s.started = true })
		s.config.Started()
	}
}

// all tells whether each slot's process is in a state.
func (s *Supervisor) all(want state) bool {
	for _, sl := range s.slots {
		if sl.current == nil || sl.current.state != want {
			return false
		}
	}
	return true
}

// ended notes the end of a process, and has another start where nobody asked for it.
func (s *Supervisor) ended(p *process, err error) {
	sl, was := p.slot, p.state
	close(p.commands)
	s.change(func() {
		p.state = ended
		s.sum.End(p.text)
		if p.stats != nil {
			s.totals.AddTotals(p.stats)
		}
		for _, place := range []**process{&sl.current, &sl.fresh, &sl.old} {
			if *place == p {
				*place = nil
			}
		}
	})
	s.unasked(p)
	switch {
	case s.draining:
		s.noteEnd(p, err)
	case was == retiring:
		s.config.Logger.Info("worker retired", "worker", sl.index, "pid", p.cmd.Process.Pid, "how", how(err))
		s.rollOn()
	case was == starting && sl.current != nil: // it was to replace that one
		s.giveUp("a worker ended before it was ready", "worker", sl.index, "how", how(err))
	case sl.fresh != nil:
		s.config.Logger.Error("worker ended", "worker", sl.index, "pid", p.cmd.Process.Pid, "how", how(err)) // another is about to take its place
	default:
		s.config.Logger.Error("worker ended", "worker", sl.index, "pid", p.cmd.Process.Pid, "how", how(err))
		if was == ready && time.Since(p.readySince) >= settled {
			s.change(func() { sl.failures = 0 })
		}
		s.failed(sl, fmt.Errorf("worker %d ended before all were ready: %s", sl.index, how(err)))
	}
}

// noteEnd remembers, in a drain, that a worker was not well to the end.
func (s *Supervisor) noteEnd(p *process, err error) {
	if err != nil && s.problem == nil {
		s.problem = fmt.Errorf("worker %d: %w", p.slot.index, err)
	}
}

// how says how a process ended.
func how(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}

// failed counts an end that nobody asked for, and has the next process start some time later. At the first start it is the end of all: a
// server that can't start says so.
func (s *Supervisor) failed(sl *slot, why error) {
	if !s.started {
		s.problem = cmp.Or(s.problem, why)
		s.drain()
		return
	}
	s.change(func() {
		sl.failures++
		s.restarts++
		if sl.failed() && sl.socket != nil {
			sl.socket.Close() // connections would wait in it for nobody
			sl.socket = nil
		}
	})
	pause := wait(sl.failures)
	if sl.failures == tooMany {
		s.config.Logger.Error("a worker ends again and again soon after its start; it will be tried slowly, and the others serve its share", "worker", sl.index, "times", sl.failures)
	}
	s.after(pause, func() { s.fill(sl) })
}

// tell logs what a worker reports, once.
func (s *Supervisor) tell(r *report) {
	key := r.Text + "\x00" + strings.Join(r.Pairs, "\x00")
	if s.told[key] {
		return
	}
	if s.told == nil {
		s.told = make(map[string]bool)
	}
	s.told[key] = true
	args := make([]any, len(r.Pairs))
	for i, text := range r.Pairs {
		args[i] = text
	}
	s.config.Logger.Log(context.Background(), r.Level, r.Text, args...)
}
