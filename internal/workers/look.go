package workers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/wsedge/wsedge/internal/console"
	"github.com/wsedge/wsedge/internal/metrics"
)

const (
	// lookInterval is how often workers are asked for what they count, so that it is not lost with one that is killed, and how they are.
	lookInterval = 5 * time.Second
	// tooSick is how many looks in a row a worker may say that it is stuck.
	tooSick = 3
	// mostBytes of an answer: an exposition is 20 KB, and more for each certificate.
	mostBytes = 4 << 20
)

// The paths at which a worker tells of itself.
const (
	pathMetrics = "/metrics"
	pathHealth  = "/healthz"
	pathStats   = "/worker/stats"
)

// lookEvery looks at all workers again and again, until Run ends.
func (s *Supervisor) lookEvery(interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-s.done:
			return
		case <-ticker.C:
			processes := s.processes()
			s.look(processes)
			s.examine(processes)
		}
	}
}

// processes are those that answer.
func (s *Supervisor) processes() (all []*process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sl := range s.slots {
		for _, p := range sl.processes() {
			if p.state == ready || p.state == retiring {
				all = append(all, p)
			}
		}
	}
	return all
}

// look asks processes for their figures, all at once, and keeps them. One that does not answer keeps those that it had.
func (s *Supervisor) look(processes []*process) {
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	var asking sync.WaitGroup
	for _, p := range processes {
		asking.Go(func() {
			text, _, err := p.ask(ctx, pathMetrics)
			if err != nil {
				return
			}
			var stats *console.Stats
			if figures, _, err := p.ask(ctx, pathStats); err == nil {
				stats = &console.Stats{}
				if json.Unmarshal(figures, stats) != nil {
					stats = nil
				}
			}
			s.change(func() {
				if p.state == ended {
					return // what it had has been counted
				}
				if p.text = text; stats != nil {
					p.stats = stats
				}
			})
		})
	}
	asking.Wait()
}

var errStatus = errors.New("refused")

// ask gets a path from the process.
func (p *process) ask(ctx context.Context, path string) (answer []byte, status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://worker"+path, nil)
	if err != nil {
		return nil, 0, err
	}
	response, err := p.client.Do(request)
	if err != nil {
		return nil, 0, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(response.Body, mostBytes))
	if err == nil && response.StatusCode != http.StatusOK {
		err = errStatus
	}
	return answer, response.StatusCode, err
}

// examine asks processes how they are. One that says again and again that it is stuck will not come back by itself: it is ended, with all its
// stacks in the log, and another started. One that does not answer may just wait for a CPU.
func (s *Supervisor) examine(processes []*process) {
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	var asking sync.WaitGroup
	for _, p := range processes {
		asking.Go(func() {
			answer, status, _ := p.ask(ctx, pathHealth)
			sick := 0
			s.change(func() {
				if p.sick++; status != http.StatusServiceUnavailable {
					p.sick = 0
				}
				sick = p.sick
			})
			if sick == tooSick {
				s.config.Logger.Error("worker is stuck, it is ended", "worker", p.slot.index, "pid", p.cmd.Process.Pid, "says", string(answer))
				_ = p.cmd.Process.Signal(syscall.SIGQUIT)
				s.after(spare, func() {
					if p.state != ended {
						p.kill()
					}
				})
			}
		})
	}
	asking.Wait()
}

// Exposition appends the metrics of all workers together.
func (s *Supervisor) Exposition(dst []byte) []byte {
	s.look(s.processes())
	parts := []metrics.Part{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sl := range s.slots {
		for _, p := range sl.processes() {
			parts = append(parts, metrics.Part{Worker: strconv.Itoa(sl.index), Text: p.text, Old: p != sl.current})
		}
	}
	parts = append(parts, metrics.Part{Worker: "supervisor", Text: metrics.AppendProcess(nil)})
	return metrics.AppendWorkers(s.sum.Append(dst, parts), s.counts())
}

// counts says how many workers do what. Under mu.
func (s *Supervisor) counts() (w metrics.Workers) {
	w.Restarts = s.restarts
	for _, sl := range s.slots {
		if sl.current == nil && sl.failed() {
			w.Failed++
		}
		for _, p := range sl.processes() {
			switch {
			case p.state == retiring || s.draining:
				w.Retiring++
			case p.state == ready:
				w.Ready++
			default:
				w.Starting++
			}
		}
	}
	return w
}

// Stats are the figures of all workers together, for the console.
func (s *Supervisor) Stats() console.Stats {
	s.look(s.processes())
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := console.Stats{}
	for _, sl := range s.slots {
		for _, p := range sl.processes() {
			if p.stats != nil {
				sum.Add(p.stats)
			}
		}
	}
	sum.AddTotals(&s.totals)
	sum.Node, sum.AtMs, sum.Draining = s.config.Orders.Name, time.Since(s.began).Milliseconds(), s.draining
	return sum
}

// Ready tells whether new clients are welcome, which they are where one worker takes them, and says how the workers are.
func (s *Supervisor) Ready() (ok bool, what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.counts()
	switch {
	case s.draining:
		return false, "draining\n"
	case w.Ready == 0:
		return false, "starting\n"
	}
	what = fmt.Sprintf("ok\nworkers: %d of %d ready\n", w.Ready, len(s.slots))
	for _, sl := range s.slots {
		switch {
		case sl.current == nil && sl.failed():
			what += fmt.Sprintf("worker %d: ended %d times in a row\n", sl.index, sl.failures)
		case sl.current == nil || sl.current.state == starting:
			what += fmt.Sprintf("worker %d: starting\n", sl.index)
		}
	}
	return true, what
}

// Healthy tells whether the server lives: a stuck worker is ended by the supervisor, so that nobody else needs to end all.
func (s *Supervisor) Healthy() (ok bool, what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	what, well, there := "ok\n", 0, 0
	for _, sl := range s.slots {
		if p := sl.current; p != nil {
			if there++; p.sick == 0 {
				well++
			} else {
				what += fmt.Sprintf("worker %d: stuck\n", sl.index)
			}
		}
	}
	if there > 0 && well == 0 {
		return false, "all workers are stuck\n"
	}
	return true, what
}
