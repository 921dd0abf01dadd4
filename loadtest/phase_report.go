package loadtest

// PhaseReport is what came of one phase (Config.Phases). Publications and deliveries belong to the phase that they were
// intended for, connections to the one that they are opened or ended in, and a return to the one that the connection was ended
// in.
type PhaseReport struct {
	Name     string  `json:"name"`
	FromSecs float64 `json:"from_s"` // after the start of the run
	EndSecs  float64 `json:"end_s"`
	Measured bool    `json:"measured"`
	Plan     string  `json:"plan"` // the phase as a scenario file would have it

	Conns       int    `json:"conns"`       // open at its end
	Opened      uint64 `json:"opened"`      // connects begun, further attempts included
	Established uint64 `json:"established"` // connections that became ready
	// OpenedPerSec and EstablishedPerSec are the same over its length.
	OpenedPerSec      float64 `json:"opened_per_s"`
	EstablishedPerSec float64 `json:"established_per_s"`

	Dropped     uint64  `json:"dropped"`           // connections ended at its beginning
	Churned     uint64  `json:"churned"`           // connections ended and opened anew
	ChurnAsked  float64 `json:"churn_asked_per_s"` // what Churn asked for
	ChurnMissed uint64  `json:"churn_missed"`      // times at which no connection was there to be ended
	Left        uint64  `json:"left"`              // connections that the generator ended, for whatever reason
	Ended       uint64  `json:"ended"`             // connections that the server ended
	Failed      uint64  `json:"failed"`            // setups that failed
	Retried     uint64  `json:"retried"`           // of those, the ones that are tried again
	NotBack     uint64  `json:"not_back"`          // dropped, churned or reopened ones that were not back at the end

	Connect   Percentiles `json:"connect"`   // connect to the end of the handshake
	Subscribe Percentiles `json:"subscribe"` // subscribe message to its reply
	// Reconnect is from the time that a return was due to the confirmed subscription, with all failures on the way.
	Reconnect Percentiles `json:"reconnect"`
	// Back is from the beginning of the phase to the confirmed subscription of the connections that were dropped.
	Back Back `json:"back"`

	Published   uint64      `json:"published"` // publications acknowledged
	Expected    uint64      `json:"expected"`  // deliveries
	Delivered   uint64      `json:"delivered"`
	Lost        uint64      `json:"lost"`
	Unrecovered uint64      `json:"unrecovered"` // as in the ledger
	Latency     Percentiles `json:"latency"`     // intended time of a publication to its arrival
	Completion  Percentiles `json:"completion"`  // to its last receiver; publications of which nothing was lost
	Incomplete  uint64      `json:"incomplete_publications"`
	// Recovery is what came of the connections that were ended in the phase, with Config.Recover.
	Recovery *RecoveryReport `json:"recovery,omitempty"`

	// ServerCPU is the server's CPU time in the phase, with a PID; per connection established it is the cost of the setup only
	// where nothing was published.
	ServerCPU        float64 `json:"server_cpu_s"`
	ServerCPUPerConn float64 `json:"server_cpu_us_per_established"`
}

// Back is when connections were back, in µs after the beginning of the phase that they were dropped in.
type Back struct {
	Count int64 `json:"count"`
	First int64 `json:"first_us"`
	P50   int64 `json:"p50_us"`
	P99   int64 `json:"p99_us"`
	Last  int64 `json:"last_us"`
}

// SlowReport is what became of the slow connections (PhasePlan.Slow), which nothing else in the report counts but the open
// connections, bytes and reads. Lost is what the server left out, or sent into a connection that it then ended.
type SlowReport struct {
	Established uint64            `json:"established"`
	Ended       uint64            `json:"ended"` // by the server
	Endings     map[string]uint64 `json:"endings"`
	Bytes       uint64            `json:"bytes_received"`
	GapNotices  uint64            `json:"gap_notices"`
	Ledger      LedgerCounts      `json:"ledger"`
	Latency     Percentiles       `json:"latency"`
}

// report puts the figures of all workers into words.
func (t *phaseTally) report(p PhasePlan, s phaseSpan) PhaseReport {
	c, back := t.counts, t.times[timeBack]
	seconds := p.Duration.Seconds()
	r := PhaseReport{
		Name: p.Name, FromSecs: float64(s.From) / 1e9, EndSecs: float64(s.End) / 1e9, Measured: !p.Unmeasured, Plan: p.String(),
		Conns: c.Conns, Opened: c.Opened, Established: c.Established,
		OpenedPerSec: float64(c.Opened) / seconds, EstablishedPerSec: float64(c.Established) / seconds,
		Dropped: c.Dropped, Churned: c.Churned, ChurnAsked: p.Churn, ChurnMissed: c.ChurnMissed, Left: c.Left, Ended: c.Ended,
		Failed: c.Failed, Retried: c.Retried, NotBack: c.NotBack,
		Connect: percentilesOf(t.times[timeConnect]), Subscribe: percentilesOf(t.times[timeSubscribe]),
		Reconnect: percentilesOf(t.times[timeReconnect]), Delivered: c.Delivered, Latency: percentilesOf(t.times[timeDelivery]),
	}
	if back.TotalCount() > 0 {
		r.Back = Back{back.TotalCount(), back.Min(), back.ValueAtQuantile(50), back.ValueAtQuantile(99), back.Max()}
	}
	return r
}

// phaseNameAt is the name of the phase at a time of the run in ns after the epoch; "" outside of all.
func phaseNameAt(phases []PhasePlan, spans []phaseSpan, at int64) string {
	for i, s := range spans {
		if at >= s.From && at < s.End {
			return phases[i].Name
		}
	}
	return ""
}
