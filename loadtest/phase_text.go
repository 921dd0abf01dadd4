package loadtest

import "fmt"

// writePhases prints what came of the phases, and of the slow connections.
func (r *Report) writePhases(row rowFunc) {
	for i := range r.Phases {
		r.Phases[i].write(row)
	}
	if n := sum(r.Connections.Retries); n > 0 {
		row("retries", "%d setups failed and were tried again", n)
		writeCauses(row, "  cause", r.Connections.Retries)
	}
	if r.Ledger.BeforeLife > 0 {
		row("before a life", "%d deliveries of what was published before the subscription was confirmed", r.Ledger.BeforeLife)
	}
	if s := r.Slow; s != nil {
		l := s.Ledger
		row("slow", "%d connections, %d ended by the server; %d bytes read, %d gap notices", s.Established, s.Ended, s.Bytes, s.GapNotices)
		writeCauses(row, "  ended", s.Endings)
		row("  their ledger", "%d received, %d left out, %d duplicated, %d reordered", l.Received, l.Lost, l.Duplicated, l.Reordered)
		row("  their delivery", "%s", s.Latency.line())
	}
}

func (p *PhaseReport) write(row rowFunc) {
	note := ""
	if !p.Measured {
		note = ", not measured"
	}
	row("phase "+p.Name, "%.1f to %.1f s%s: %d connections at the end, %d published, %d of %d delivered",
		p.FromSecs, p.EndSecs, note, p.Conns, p.Published, p.Expected-p.Lost-p.Unrecovered, p.Expected)
	if p.Latency.Count > 0 {
		row("  delivery", "%s", p.Latency.line())
		row("  last receiver", "%s", p.Completion.line())
	}
	if p.Lost > 0 {
		row("  LOST", "%d deliveries of %d publications", p.Lost, p.Incomplete)
	}
	if p.Churned+p.ChurnMissed > 0 {
		row("  churn", "%.1f/s of %g/s asked, %d times missed", float64(p.Churned)/(p.EndSecs-p.FromSecs), p.ChurnAsked, p.ChurnMissed)
	}
	if p.Dropped > 0 {
		row("  dropped", "%d, %d back, %d not back", p.Dropped, p.Back.Count, p.NotBack)
	}
	if p.Back.Count > 0 {
		row("  back after", "first %s  p50 %s  p99 %s  last %s", micros(p.Back.First), micros(p.Back.P50), micros(p.Back.P99), micros(p.Back.Last))
	}
	p.Recovery.write(row, p.Unrecovered)
	p.writeSetups(row)
}

func (p *PhaseReport) writeSetups(row rowFunc) {
	if p.Opened+p.Failed+p.Ended == 0 {
		return
	}
	row("  connections", "%d opened (%.1f/s), %d ready (%.1f/s), %d failed, %d of them tried again, %d ended by the server",
		p.Opened, p.OpenedPerSec, p.Established, p.EstablishedPerSec, p.Failed, p.Retried, p.Ended)
	if p.Reconnect.Count > 0 {
		row("  reconnect", "%s (from the time it was due)", p.Reconnect.line())
	}
	row("  handshake", "%s", p.Connect.line())
	if p.Subscribe.Count > 0 {
		row("  subscribe", "%s", p.Subscribe.line())
	}
	if p.ServerCPUPerConn > 0 {
		cause := ""
		if p.Published > 0 {
			cause = ", deliveries included"
		}
		row("  server", "%s", fmt.Sprintf("CPU %.2f s, %.1f µs per connection that became ready%s", p.ServerCPU, p.ServerCPUPerConn, cause))
	}
}
