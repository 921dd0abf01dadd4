package loadtest

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// WriteText prints the report for people.
func (r *Report) WriteText(w io.Writer) error {
	out := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(out, "%s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	row(r.Config.Title(), "%s (run %s)", r.Config.URL, r.Run)
	r.writeConnections(row)
	switch r.Config.Scenario {
	case Fanout:
		r.writeFanout(row)
	case Echo:
		r.writeEcho(row)
	}
	if r.Config.Scenario != Idle {
		r.writeLedger(row)
	}
	r.writePhases(row)
	if m := r.Messages; m.Pings+m.GapNotices+m.Stale+m.Answers > 0 {
		row("other", "%d pings answered, %d heartbeats or the like, %d gap notices, %d messages of another run", m.Pings, m.Answers, m.GapNotices, m.Stale)
	}
	r.writeServer(row)
	r.writeAgents(row)
	r.writeFloor(row)
	if err := out.Flush(); err != nil {
		return err
	}
	for _, e := range r.Expectations {
		if _, err := fmt.Fprintf(w, "expect: %s\n", e.Line); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%s\n%s\n", r.generatorLine(), r.resultLine())
	return err
}

type rowFunc func(name, format string, args ...any)

func (r *Report) writeConnections(row rowFunc) {
	c := r.Connections
	row("connections", "%d of %d established in %.2f s", c.Established, c.Wanted, c.SetupSecs)
	row("  handshake", "%s", c.Connect.line())
	if r.TLS != nil && c.TLS.Count > 0 {
		row("  tls", "%s", c.TLS.line())
		row("", "%s", r.TLS.line())
	}
	if r.Deflate != nil {
		row("  deflate", "%s", r.Deflate.Counts.line())
	}
	if c.Subscribe.Count > 0 {
		row("  subscribe", "%s", c.Subscribe.line())
	}
	writeCauses(row, "  failed", c.Failures)
	writeCauses(row, "  ended early", c.Endings)
	if r.Errors.Total > 0 {
		row("  errors", "%s", r.Errors.line())
	}
}

func writeCauses(row rowFunc, name string, causes map[string]uint64) {
	for _, cause := range slices.Sorted(maps.Keys(causes)) {
		row(name, "%d × %s", causes[cause], cause)
	}
}

func (r *Report) writeFanout(row rowFunc) {
	p := r.Publications
	row("publications", "%d %s of %d scheduled at %s, %d outstanding, %d bytes each",
		p.Acknowledged, r.Config.acknowledgement(), p.Scheduled, r.Config.arrivals(), r.Config.Outstanding, r.Config.Payload)
	if p.Refused+p.Unknown+p.Failed+p.Unsent > 0 {
		row("  NOT acknowledged", "%d refused, %d of UNKNOWN outcome, %d FAILED, %d unsent", p.Refused, p.Unknown, p.Failed, p.Unsent)
	}
	writeCauses(row, "  cause", p.Causes)
	if p.Held > 0 {
		row("  held", "%d waited for the answer to an earlier one", p.Held)
	}
	row("delivery", "%s", r.Latency.line())
	row("  first receiver", "%s", r.FirstReceiver.line())
	row("  last receiver", "%s", r.Completion.line())
	row("  answer", "%s", r.Acknowledgement.line())
	if r.Incomplete > 0 {
		row("  incomplete", "%d publications did not reach everybody", r.Incomplete)
	}
	if p.Reconnects > 0 {
		row("  reconnects", "%d publishers' connections had ended", p.Reconnects)
	}
	r.writeTopics(row)
}

func (r *Report) writeEcho(row rowFunc) {
	row("messages", "%d sent, %d bytes each", r.Messages.Sent, r.Config.Payload)
	if r.ClosedLoop {
		row("round trip", "%s (closed loop: counted from the actual sending)", r.Latency.line())
		return
	}
	row("round trip", "%s (open loop at %s)", r.Latency.line(), r.Config.arrivals())
}

// arrivals says how messages were spread over time.
func (c ConfigEcho) arrivals() string {
	switch {
	case c.Arrivals == Arrivals{}.String():
		return fmt.Sprintf("%g/s", c.Rate)
	case strings.HasPrefix(c.Arrivals, "step:"):
		return fmt.Sprintf("up to %g/s (%s)", c.Rate, c.Arrivals)
	default:
		return fmt.Sprintf("%g/s (%s, seed %d)", c.Rate, c.Arrivals, c.Seed)
	}
}

func (r *Report) writeLedger(row rowFunc) {
	l := r.Ledger
	row("ledger", "%d expected, %d received, %d lost, %d duplicated, %d reordered, %d corrupted",
		l.Expected, l.Received, l.Lost, l.Duplicated, l.Reordered, l.Corrupted)
	if l.Unrecovered > 0 {
		row("", "%d unrecovered", l.Unrecovered)
	}
	if l.Misdelivered+l.Unconfirmed > 0 {
		row("", "%d misdelivered, %d unconfirmed", l.Misdelivered, l.Unconfirmed)
	}
}

func (r *Report) generatorLine() string {
	g := r.Generator
	state := "ok"
	if g.Bottleneck {
		state = "BOTTLENECK: " + strings.Join(g.Reasons, "; ")
	}
	return fmt.Sprintf("generator: %s (CPU %.0f %% of its threads, busiest loop %.0f %%, loop lag p99 %s, %.3f µs per delivery, %d late)",
		state, 100*g.CPUBusy, 100*g.LoopBusy, micros(g.LoopLag.P99), g.CPUPerDelivery, g.Late)
}

func (r *Report) resultLine() string {
	text := "result: ok"
	if !r.Verdict.OK {
		text = "result: FAILED: " + strings.Join(r.Verdict.Reasons, "; ")
	}
	if r.Interrupted {
		text += " (interrupted)"
	}
	for _, reason := range r.ClockReasons {
		text += "\nINVALID: " + reason + ": these latencies say more about the clocks than about the server"
	}
	if r.Generator.Bottleneck {
		text += "\nINVALID: the generator was the bottleneck; these latencies and rates are not the server's"
	}
	return text
}

func megabytes(b int64) float64 { return float64(b) / 1e6 }

func (p Percentiles) line() string {
	if p.Count == 0 {
		return "nothing measured"
	}
	return fmt.Sprintf("p50 %s  p90 %s  p99 %s  p99.9 %s  max %s", micros(p.P50), micros(p.P90), micros(p.P99), micros(p.P999), micros(p.Max))
}

// micros prints a time given in µs with four digits at most.
func micros(us int64) string {
	switch {
	case us < 1000:
		return fmt.Sprintf("%d µs", us)
	case us < 1_000_000:
		return fmt.Sprintf("%.4g ms", float64(us)/1e3)
	default:
		return fmt.Sprintf("%.4g s", float64(us)/1e6)
	}
}
