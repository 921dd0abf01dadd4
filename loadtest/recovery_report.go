package loadtest

// RecoveryReport is what came of the connections that came back and asked for what they had missed (Config.Recover). Deliveries
// that a recovery brought are in the ledger like others, but in no latency: they say how long a client was away.
type RecoveryReport struct {
	Returned     uint64 `json:"returned"`      // connections that were back after a break, whoever had ended them
	Recovered    uint64 `json:"recovered"`     // of those, the ones that were promised all that they had missed
	NotRecovered uint64 `json:"not_recovered"` // and the others; what they missed is ledger.unrecovered
	// WithoutPosition are those of NotRecovered that could not ask: the server had given them no epoch.
	WithoutPosition uint64 `json:"without_position"`
	// Publications are the deliveries that recoveries brought.
	Publications uint64 `json:"publications"`
	// Back is from the break to the confirmed subscription, CaughtUp to the last of what was missed. The break is the beginning of
	// the phase for connections that were dropped.
	Back     Percentiles `json:"back"`
	CaughtUp Percentiles `json:"caught_up"` // its count is how many recovered connections got as far
}

// recovery puts the figures of a phase, or of all, into words.
func (t *phaseTally) recovery() *RecoveryReport {
	c := t.counts
	return &RecoveryReport{
		Returned: c.Returned, Recovered: c.Recovered, NotRecovered: c.NotRecovered, WithoutPosition: c.WithoutPosition, Publications: c.Missed,
		Back: percentilesOf(t.times[timeReturned]), CaughtUp: percentilesOf(t.times[timeCaughtUp]),
	}
}

// write prints it for people.
func (r *RecoveryReport) write(row rowFunc, unrecovered uint64) {
	if r == nil || r.Returned == 0 && unrecovered == 0 {
		return
	}
	row("  recovery", "%d returned, %d recovered, %d caught up; %d deliveries recovered", r.Returned, r.Recovered, r.CaughtUp.Count, r.Publications)
	if r.Back.Count > 0 {
		row("  back", "%s (from the break)", r.Back.line())
	}
	if r.CaughtUp.Count > 0 {
		row("  caught up", "%s (from the break)", r.CaughtUp.line())
	}
	if r.NotRecovered+unrecovered > 0 {
		row("  NOT RECOVERED", "%d returned connections, %d of them without a position; %d deliveries", r.NotRecovered, r.WithoutPosition, unrecovered)
	}
}
