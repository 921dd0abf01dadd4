package loadtest

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	statusInterval = 250 * time.Millisecond
	// secondGrace is how long a second waits for a worker that says nothing, before it is closed without it.
	secondGrace = int64(time.Second)
)

// enter begins a phase, which ends at that time, or when others allow if it is 0.
func (r *run) enter(p Phase, ends int64) { r.phase, r.ends = p, ends }

// closeSeconds puts the seconds that are over into the report's series.
func (r *run) closeSeconds() error {
	t := r.fleet.timeline
	for t.complete() || r.clock.now() > int64(t.closed+1)*int64(time.Second)+secondGrace {
		total, latency, err := t.next()
		if err != nil {
			return err
		}
		r.addInterval(float64(t.closed), total, latency)
	}
	return nil
}

// closeLast puts what is left of the last second into the series, if anything came in it.
func (r *run) closeLast() error {
	total, latency, err := r.fleet.timeline.rest()
	if err != nil {
		return err
	}
	if total.Delivered > r.last.Delivered || total.Sent > r.last.Sent || latency.TotalCount() > 0 {
		r.addInterval(float64(r.clock.now())/1e9, total, latency)
	}
	r.showStatus()
	return nil
}

// addInterval adds what came since the last one, up to that time in seconds.
func (r *run) addInterval(at float64, total progress, latency *hdrhistogram.Histogram) {
	length := at
	if n := len(r.report.Seconds); n > 0 {
		length -= r.report.Seconds[n-1].At
	}
	published, late := r.sends(total)
	second := Interval{
		At: at, Length: length, Conns: total.Ready - total.Ended - total.Left, Ready: uint64(total.Ready - r.last.Ready),
		Phase: phaseNameAt(r.cfg.Phases, r.watch.spans, int64(at*1e9)-1), Published: published, Delivered: total.Delivered - r.last.Delivered,
		P50: latency.ValueAtQuantile(50), P99: latency.ValueAtQuantile(99), Max: latency.Max(),
		Late: late, Missing: total.Missing, Faulty: total.Faulty,
	}
	if length > 0 {
		second.GeneratorCPU = float64(total.CPU-r.last.CPU) / 1e9 / length
	}
	r.server.second(r.clock.now(), &second)
	r.last = total
	r.report.Seconds = append(r.report.Seconds, second)
	if r.cfg.Progress != nil {
		r.cfg.Progress(progressLine(second, total.Failed))
	}
}

// sends are the messages sent, and those of them that were late.
func (r *run) sends(p progress) (published, late uint64) {
	if r.board == nil {
		return p.Sent, p.Late
	}
	counts := r.board.snapshot()
	return counts.Acknowledged, counts.Late
}

// showStatus tells an observer how things stand.
func (r *run) showStatus() {
	if r.cfg.Observe == nil {
		return
	}
	now := r.clock.now()
	if n := len(r.report.Seconds); n != r.shown {
		r.shown, r.soFar = n, percentilesOf(r.fleet.latency)
	}
	p := r.fleet.progress()
	published, late := r.sends(p)
	status := Status{
		Config: r.report.Config, Phase: r.phaseAt(now), Elapsed: time.Duration(now),
		Established: p.Ready - p.Left, Failed: p.Failed, Ended: p.Ended, Published: published, Delivered: p.Delivered,
		Missing: p.Missing, Faulty: p.Faulty, Late: late, Latency: r.soFar, Seconds: r.report.Seconds,
	}
	if len(r.watch.spans) > 0 {
		status.Left = r.leftOfPhase(now)
	}
	if r.ends > now {
		status.Left = time.Duration(r.ends - now)
	}
	r.cfg.Observe(status)
}

// phaseAt passes from the warm-up on by the clock.
func (r *run) phaseAt(now int64) Phase {
	if r.phase == PhaseWarmup && now >= r.window.From {
		r.enter(PhaseMeasuring, r.window.End)
	}
	if name := phaseNameAt(r.cfg.Phases, r.watch.spans, now); name != "" {
		return Phase(name)
	}
	if r.phase == PhaseMeasuring && now >= r.window.End {
		r.enter(PhaseDraining, 0)
	}
	return r.phase
}

// report is the window in seconds after the start of the run.
func (w window) report() Window {
	return Window{SendSecs: float64(w.Send) / 1e9, FromSecs: float64(w.From) / 1e9, EndSecs: float64(w.End) / 1e9}
}
