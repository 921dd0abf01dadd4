package loadtest

import (
	"context"
	"slices"
	"sync"
	"time"
)

// phaseWatch is the coordinator's view of the phases.
type phaseWatch struct {
	spans []phaseSpan

	mu  sync.Mutex
	cpu []int64 // of the server at the beginning of each phase, and at the end of the last; guarded by mu
}

// watchPhases reads the server's CPU time at the bounds of the phases. stop ends it.
func (r *run) watchPhases() (stop func()) {
	w := &r.watch
	w.spans = spansOf(r.cfg.Phases, r.window.Send)
	if len(w.spans) == 0 || len(r.server.pids) == 0 {
		return func() {}
	}
	w.cpu = make([]int64, len(w.spans)+1)
	var timers []*time.Timer
	for i := range w.cpu {
		at := r.window.End
		if i < len(w.spans) {
			at = w.spans[i].From
		}
		timers = append(timers, time.AfterFunc(time.Duration(at-r.clock.now()), func() {
			used := r.serverCPU()
			w.mu.Lock()
			defer w.mu.Unlock()
			w.cpu[i] = used
		}))
	}
	return func() {
		for _, t := range timers {
			t.Stop()
		}
	}
}

// serverCPU is what the server's processes have used, in ns.
func (r *run) serverCPU() (sum int64) {
	for _, pid := range r.server.pids {
		// One that has gone is for the report's other readings to tell.
		used, _ := processCPU(pid)
		sum += used
	}
	return sum
}

// cpuIn is what the server used in a phase, in ns; 0 where that is not known.
func (w *phaseWatch) cpuIn(phase int) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.cpu) == 0 || w.cpu[phase] == 0 || w.cpu[phase+1] == 0 {
		return 0
	}
	return w.cpu[phase+1] - w.cpu[phase]
}

// awaitLives tells the loops what was sent in all, and waits, at most until that time, until nobody lacks any of it.
func (r *run) awaitLives(ctx context.Context, until int64, published <-chan struct{}) error {
	if err := r.await(ctx, until, func() bool { return isClosed(published) }); err != nil || !isClosed(published) {
		return err
	}
	seal := &sealCommand{Doubt: r.clockDoubt()}
	for _, t := range r.totals {
		seal.Sent, seal.Last = append(seal.Sent, t.Sent), append(seal.Last, t.last())
	}
	if err := r.fleet.command(workerCommand{Seal: seal}); err != nil {
		return err
	}
	loops := 0
	for _, s := range r.specs() {
		loops += s.loops()
	}
	return r.await(ctx, until, func() bool {
		p := r.fleet.progress()
		return p.Sealed == loops && p.Behind == 0
	})
}

// finishPhases writes what came of the phases and of the slow connections.
func (r *run) finishPhases(records [][]publicationRecord) {
	if len(r.cfg.Phases) == 0 || r.window.End == 0 {
		return
	}
	slow, latency := slowResult{Endings: map[string]uint64{}}, newHistogram()
	recovered := newPhaseTally()
	for i, p := range r.cfg.Phases {
		sum := newPhaseTally()
		for _, m := range r.fleet.members {
			// A histogram of our own making decodes.
			_ = sum.take(m.result.Phases[i])
		}
		out := sum.report(p, r.watch.spans[i])
		r.publicationsOf(&out, r.watch.spans[i], records)
		if r.cfg.Recover {
			out.Recovery = sum.recovery()
			recovered.merge(sum)
		}
		cpu := r.watch.cpuIn(i)
		if out.ServerCPU = float64(cpu) / 1e9; out.Established > 0 {
			out.ServerCPUPerConn = float64(cpu) / 1e3 / float64(out.Established)
		}
		r.report.Phases = append(r.report.Phases, out)
	}
	if r.cfg.Recover {
		r.report.Recovery = recovered.recovery()
	}
	r.report.Connections.Retries = map[string]uint64{}
	for _, m := range r.fleet.members {
		s := m.result.Slow
		slow.add(slowTally{counts: s.Ledger, bytes: s.Bytes, gaps: s.Gaps, ready: s.Ready, ended: s.Ended, endings: s.Endings})
		_ = mergeEncoded(latency, s.Latency)
		mergeCounts(r.report.Connections.Retries, m.result.Retries)
	}
	if slowShare(r.cfg.Phases) > 0 {
		r.report.Slow = &SlowReport{
			Established: slow.Ready, Ended: slow.Ended, Endings: slow.Endings, Bytes: slow.Bytes, GapNotices: slow.Gaps,
			Ledger: slow.Ledger, Latency: percentilesOf(latency),
		}
	}
}

// publicationsOf sums up the publications that were intended for a phase.
func (r *run) publicationsOf(out *PhaseReport, s phaseSpan, records [][]publicationRecord) {
	completion := newHistogram()
	for publisher, t := range r.totals {
		for sequence, at := range t.Times {
			if at < s.From || at >= s.End {
				continue
			}
			if _, unknown := slices.BinarySearch(t.Unknown, uint32(sequence)); unknown {
				continue
			}
			out.Published++
			if publisher >= len(records) || sequence >= len(records[publisher]) {
				continue
			}
			p := records[publisher][sequence]
			out.Expected += uint64(p.Owed)
			out.Lost += uint64(p.Lost)
			out.Unrecovered += uint64(p.Unrecovered)
			switch {
			case p.Lost+p.Unrecovered > 0:
				out.Incomplete++
			case p.Count > 0:
				record(completion, p.Last-p.Intended)
			}
		}
	}
	out.Completion = percentilesOf(completion)
}

// livesCompletions is completions for a run in which connections come and go.
func (r *run) livesCompletions(records [][]publicationRecord) {
	first, last := newHistogram(), newHistogram()
	for publisher, t := range r.totals {
		if publisher >= len(records) {
			break
		}
		for sequence, p := range records[publisher][:min(len(records[publisher]), len(t.Times))] {
			switch {
			case !r.window.measures(t.Times[sequence]):
			case p.Lost+p.Unrecovered > 0:
				r.report.Incomplete++
			case p.Count > 0:
				record(first, p.First-p.Intended)
				record(last, p.Last-p.Intended)
			}
		}
	}
	r.report.FirstReceiver, r.report.Completion = percentilesOf(first), percentilesOf(last)
}

// leftOfPhase is what is left of the phase that goes on; 0 outside of all.
func (r *run) leftOfPhase(now int64) time.Duration {
	for _, s := range r.watch.spans {
		if now >= s.From && now < s.End {
			return time.Duration(s.End - now)
		}
	}
	return 0
}
