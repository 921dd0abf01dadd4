package loadtest

import (
	"fmt"
	"time"
)

// Beyond these the generator's own limits show in the figures. A lag counts when it is more than a tenth of what is
// measured, and than what makes a send late (lateAfter): where the server shares the machine, loops that do next to nothing
// show 0.6 to 0.9 ms. Who measures less than that can expect less: --expect 'loop_lag.p99<100us'.
const (
	maxBusy      = 0.85
	maxLateShare = 0.01
	maxLagShare  = 0.10
	ordinaryLag  = time.Millisecond
)

// judge fills in the verdict.
func (r *Report) judge() {
	v := &r.Verdict
	complain := func(n uint64, format string) {
		if n > 0 {
			v.Reasons = append(v.Reasons, fmt.Sprintf(format, n))
		}
	}
	complain(uint64(r.Connections.Wanted-r.Connections.Established), "%d connections not established")
	for _, p := range r.Phases {
		complain(p.NotBack, "%d connections not back after phase "+p.Name)
	}
	if !r.Config.Stalled {
		complain(sum(r.Connections.Endings), "%d connections ended early")
	}
	complain(r.Ledger.Lost, "%d deliveries lost")
	complain(r.Ledger.Unrecovered, "%d deliveries not recovered")
	if r.Recovery != nil {
		complain(r.Recovery.NotRecovered, "%d returned connections not recovered")
	}
	complain(r.Ledger.Duplicated, "%d deliveries duplicated")
	complain(r.Ledger.Reordered, "%d deliveries reordered")
	complain(r.Ledger.Corrupted, "%d messages corrupted")
	complain(r.Ledger.Misdelivered, "%d messages misdelivered")
	complain(r.Publications.Unknown, "%d publications of unknown outcome")
	complain(r.Publications.Failed, "%d publications could not be sent")
	complain(r.Publications.Unsent, "%d publications still unsent at the end")
	if r.Config.Scenario == Fanout && r.Publications.Acknowledged == 0 && (r.Config.Name == "" || r.Config.Rate > 0) {
		v.Reasons = append(v.Reasons, "no publication was acknowledged")
	}
	if r.Config.Scenario == Echo && r.Messages.Sent == 0 {
		v.Reasons = append(v.Reasons, "no message was sent")
	}
	v.OK = len(v.Reasons) == 0
	v.Invalid = r.Generator.Bottleneck || len(r.ClockReasons) > 0
}

// judge fills in whether the generator was the bottleneck. sends is how many were due.
func (g *Generator) judge(sends uint64, latency Percentiles) {
	if g.CPUBusy > maxBusy {
		g.Reasons = append(g.Reasons, fmt.Sprintf("a process used %.0f %% of its threads' CPU time", 100*g.CPUBusy))
	}
	if g.LoopBusy > maxBusy {
		g.Reasons = append(g.Reasons, fmt.Sprintf("a loop was busy for %.0f %% of the time", 100*g.LoopBusy))
	}
	if float64(g.Late) > maxLateShare*float64(sends) {
		g.Reasons = append(g.Reasons, fmt.Sprintf("%d of %d send times were missed", g.Late, sends))
	}
	lag := g.LoopLag.P99
	if latency.Count > 0 && lag > ordinaryLag.Microseconds() && float64(lag) > maxLagShare*float64(latency.P99) {
		g.Reasons = append(g.Reasons, fmt.Sprintf("its loops were late by %s at p99, where %s was measured", micros(lag), micros(latency.P99)))
	}
	g.Bottleneck = len(g.Reasons) > 0
}

func sum(counts map[string]uint64) (total uint64) {
	for _, n := range counts {
		total += n
	}
	return total
}
