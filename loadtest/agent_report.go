package loadtest

import (
	"fmt"
	"time"
)

// AgentReport is what one agent did in a run, and how well its clock was known.
type AgentReport struct {
	Address string `json:"address"`
	// Environment is of the agent's machine.
	Environment Environment `json:"environment"`
	Conns       int         `json:"conns"` // that were to be held
	Established int         `json:"established"`
	Processes   int         `json:"processes"`
	Threads     int         `json:"threads"` // of each process
	Sources     []string    `json:"sources"` // local addresses asked for; none: the system's choice

	// CPUBusy is the CPU time of all the agent's workers per wall time and core of its machine, in the window; LoopBusy is the
	// busiest loop's.
	CPUBusy  float64     `json:"cpu_busy"`
	CPUSecs  float64     `json:"cpu_s"`
	LoopBusy float64     `json:"loop_busy"`
	LoopLag  Percentiles `json:"loop_lag"`
	Latency  Percentiles `json:"latency"` // as in the report, of this agent's connections

	Clock AgentClock `json:"clock"`
	// Warnings say what makes the agent's figures doubtful.
	Warnings []string `json:"warnings"`
}

// AgentClock is how an agent's CLOCK_MONOTONIC went by the coordinator's. Times of the agent's that the report has are the
// coordinator's to within the uncertainty.
type AgentClock struct {
	OffsetSecs  float64 `json:"offset_s"`       // the agent's less the coordinator's, at the end
	Uncertainty float64 `json:"uncertainty_us"` // the largest of the window: half of a round trip, and what was corrected too late
	Step        float64 `json:"step_us"`        // of it, the largest correction
	DriftPPM    float64 `json:"drift_ppm"`      // at the end; a clock of +1 gains a microsecond each second
	RoundTrip   float64 `json:"round_trip_us"`  // the shortest
	Rounds      int     `json:"rounds"`         // of questions
	// Early deliveries were noted before the time they were sent at, which shows that the clocks differ.
	Early uint64 `json:"early_deliveries"`
}

func newAgentClock(e clockEstimate, early uint64) AgentClock {
	return AgentClock{
		OffsetSecs: float64(e.off) / 1e9, Uncertainty: float64(e.uncertainty()) / 1e3, Step: float64(e.step) / 1e3, DriftPPM: e.drift * 1e6,
		RoundTrip: float64(e.shortest) / 1e3, Rounds: e.rounds, Early: early,
	}
}

// maxClockShare is how much of a latency the uncertainty of a clock may be.
const maxClockShare = 0.10

// judgeClock compares what is known of the clock with what was measured between the two machines. Only a fan-out's latencies
// are: an echo comes back to the machine that sent it.
func (a *AgentReport) judgeClock(scenario Scenario, latency Percentiles) (invalid string) {
	if scenario != Fanout || latency.Count == 0 {
		return ""
	}
	u := a.Clock.Uncertainty
	text := func(name string, measured int64) string {
		return fmt.Sprintf("the clock of agent %s is known to within %s, where %s is %s", a.Address, micros(int64(u+0.5)), name, micros(measured))
	}
	if a.Clock.Early > 0 {
		a.Warnings = append(a.Warnings, fmt.Sprintf("%d deliveries were noted before they were sent; their latency counts as 0", a.Clock.Early))
	}
	if u > maxClockShare*float64(latency.P99) {
		return text("p99", latency.P99)
	}
	if u > maxClockShare*float64(latency.P50) {
		a.Warnings = append(a.Warnings, text("p50", latency.P50))
	}
	return ""
}

// judgeCPU holds all workers of a machine against all its cores; the report's generator has each by itself.
func (a *AgentReport) judgeCPU() (reason string) {
	if a.CPUBusy <= maxBusy {
		return ""
	}
	return fmt.Sprintf("agent %s used %.0f %% of its machine's CPU time", a.Address, 100*a.CPUBusy)
}

func (r *Report) writeAgents(row rowFunc) {
	for _, a := range r.Agents {
		row("agent", "%s: %d of %d connections in %d processes, CPU %.0f %% of %d cores, loop lag p99 %s", a.Address, a.Established, a.Conns,
			a.Processes, 100*a.CPUBusy, a.Environment.UsableCores, micros(a.LoopLag.P99))
		c := a.Clock
		row("  clock", "known to within %s (round trip %s, drift %+.2f ppm, offset %v)", micros(int64(c.Uncertainty+0.5)), micros(int64(c.RoundTrip+0.5)),
			c.DriftPPM, time.Duration(c.OffsetSecs*1e9).Round(time.Microsecond))
		if r.Config.Scenario == Fanout {
			row("  latency", "%s", a.Latency.line())
		}
		for _, w := range a.Warnings {
			row("  warning", "%s", w)
		}
	}
}
