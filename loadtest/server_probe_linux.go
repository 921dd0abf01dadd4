package loadtest

import (
	"errors"
	"fmt"
	"slices"
)

// serverProbe follows the server through a run: its processes, its metrics, or both. Without either it does nothing. A
// process that cannot be read any more does not end the run: the first problem is kept for the report.
type serverProbe struct {
	pids    []int
	metrics *metricsProbe // nil: none
	problem error

	at                  [moments]processUsage
	slabStart, slabRest int64
	beginAt, endAt      int64
	ended               bool

	sampledCPU, sampledAt int64 // by second
}

// open looks at the server before the first connection. An error is that of a server that is not there.
func (s *serverProbe) open(cfg Config) (err error) {
	if cfg.PID > 0 {
		s.pids = []int{cfg.PID}
	}
	for _, pid := range cfg.PIDs {
		if !slices.Contains(s.pids, pid) {
			s.pids = append(s.pids, pid)
		}
	}
	if cfg.MetricsURL != "" {
		if s.metrics, err = newMetricsProbe(cfg.MetricsURL); err != nil {
			return err
		}
		s.metrics.read(atStart)
		s.metrics.start(everySecond)
		if _, err := s.metrics.finish(); err != nil {
			return err
		}
	}
	s.memory(atStart)
	s.times(atStart)
	s.sampledCPU = s.at[atStart].CPU
	s.slabStart = s.slab()
	return s.problem
}

// settled is with all connections, before the first message.
func (s *serverProbe) settled() {
	s.memory(atRest)
	s.times(atRest)
	s.slabRest = s.slab()
	s.scrape(atRest)
}

// begin must not take long: a message is due.
func (s *serverProbe) begin(now int64) {
	s.times(atBegin)
	s.beginAt = now
	if s.metrics != nil {
		s.metrics.start(atBegin)
	}
}

func (s *serverProbe) end(now int64) {
	s.times(atEnd)
	s.scrape(atEnd)
	s.endAt = now
	s.ended = s.beginAt > 0
}

// after is with all connections, after the last message.
func (s *serverProbe) after() {
	s.memory(atLast)
	s.scrape(atLast)
}

func (s *serverProbe) scrape(m moment) {
	if s.metrics != nil {
		s.metrics.read(m)
	}
}

// times and memory read the processes, as long as they can be read.
func (s *serverProbe) times(m moment) { s.read(m, readTimes) }

func (s *serverProbe) memory(m moment) { s.read(m, readMemory) }

func (s *serverProbe) read(m moment, figures func(pid int, u *processUsage) error) {
	for _, pid := range s.pids {
		if s.problem != nil {
			return
		}
		if err := figures(pid, &s.at[m]); err != nil {
			s.problem = fmt.Errorf("process %d: %w", pid, err)
		}
	}
}

func (s *serverProbe) slab() (bytes int64) {
	if len(s.pids) == 0 || s.problem != nil {
		return 0
	}
	bytes, s.problem = slabBytes()
	return bytes
}

// second fills in CPU time per time since its last call, and what is in use; zeros where there is nothing to read.
func (s *serverProbe) second(now int64, into *Interval) {
	used, rss, ok := s.sample()
	if s.metrics != nil {
		said := s.metrics.tick()
		into.ServerHeap, into.ServerGoroutines = int64(said.Values[metricHeapInuse]), int64(said.Values[metricGoroutines])
		if len(s.pids) == 0 {
			used, rss = int64(said.Values[metricCPU]*1e9), int64(said.Values[metricRSS])
			ok = used > 0
			if s.sampledAt == 0 {
				s.sampledCPU = used
			}
		}
	}
	if !ok {
		return
	}
	if now > s.sampledAt {
		into.ServerCPU = float64(used-s.sampledCPU) / float64(now-s.sampledAt)
	}
	into.ServerRSS = rss
	s.sampledCPU, s.sampledAt = used, now
}

// sample is what the processes have used by now, cheaply: it is read once a second. ok is false where there is nothing to
// read; that a process has gone is for the readings above to report.
func (s *serverProbe) sample() (cpu, rss int64, ok bool) {
	for _, pid := range s.pids {
		used, err := processCPU(pid)
		if err != nil {
			return 0, 0, false
		}
		bytes, err := roughResidentBytes(pid)
		if err != nil {
			return 0, 0, false
		}
		cpu, rss, ok = cpu+used, rss+bytes, true
	}
	return cpu, rss, ok
}

// report sums up; nil where nothing was asked for.
func (s *serverProbe) report(conns int, deliveries uint64) *Server {
	if len(s.pids) == 0 && s.metrics == nil {
		return nil
	}
	out := &Server{PIDs: s.pids, Source: "process"}
	if s.metrics != nil {
		said, err := s.metrics.finish()
		if err != nil {
			out.MetricsProblem = err.Error()
		}
		out.Go = goRuntime(&said, conns, deliveries)
		if len(s.pids) == 0 {
			out.Source = "metrics"
			s.believe(&said)
		}
	}
	if len(s.pids) > 0 {
		out.PID = s.pids[0]
	}
	s.sums(out, float64(max(conns, 1)), deliveries)
	return out
}

// believe takes CPU time and memory from the metrics.
func (s *serverProbe) believe(said *[moments]scrape) {
	for m := range s.at {
		cpu, rss := said[m].value(metricCPU), said[m].value(metricRSS)
		inWindow := m == int(atBegin) || m == int(atEnd)
		if m == int(everySecond) || inWindow && !s.ended {
			continue
		}
		if cpu == nil || rss == nil {
			s.problem = errors.Join(s.problem, fmt.Errorf("the metrics had no %s and %s at moment %d", metricCPU, metricRSS, m+1))
			return
		}
		s.at[m] = processUsage{CPU: int64(*cpu * 1e9), RSSBytes: int64(*rss)}
	}
	if s.ended {
		s.beginAt, s.endAt = 0, int64(said[atEnd].At.Sub(said[atBegin].At))
	}
}

// sums fills in what two readings and the counts of connections and deliveries make.
func (s *serverProbe) sums(out *Server, conns float64, deliveries uint64) {
	start, rest, begin, end := &s.at[atStart], &s.at[atRest], &s.at[atBegin], &s.at[atEnd]
	out.RSSBefore, out.RSSSettled, out.RSSAfter = start.RSSBytes, rest.RSSBytes, s.at[atLast].RSSBytes
	if s.problem != nil {
		out.Problem = s.problem.Error()
		return
	}
	out.RSSPerConn = float64(rest.RSSBytes-start.RSSBytes) / conns
	out.SlabPerConn = float64(s.slabRest-s.slabStart) / conns
	out.SetupCPUPerConn = float64(rest.CPU-start.CPU) / 1e3 / conns
	if rest.PSSBytes > 0 {
		before, settled := float64(start.PSSBytes), float64(rest.PSSBytes)
		out.PSSBefore, out.PSSSettled, out.PSSPerConn = &before, &settled, per(minus(&settled, &before), conns)
	}
	if !s.ended {
		return
	}
	cpu := float64(end.CPU - begin.CPU)
	out.CPUSecs = cpu / 1e9
	out.UserSecs = float64(end.User-begin.User) / 1e9
	out.SystemSecs = float64(end.System-begin.System) / 1e9
	out.WindowSecs = float64(s.endAt-s.beginAt) / 1e9
	if deliveries > 0 {
		out.CPUPerDelivery = cpu / 1e3 / float64(deliveries)
		n := float64(deliveries)
		out.DeliveriesPerCPUSecond = per(&n, out.CPUSecs)
	}
	if out.WindowSecs > 0 {
		out.CPUPerConnSecond = cpu / 1e3 / conns / out.WindowSecs
	}
	if end.Threads > 0 {
		threads := float64(end.Threads)
		voluntary, involuntary := float64(end.Voluntary-begin.Voluntary), float64(end.Involuntary-begin.Involuntary)
		out.Threads, out.VoluntarySwitches, out.InvoluntarySwitches = &threads, &voluntary, &involuntary
	}
}
