package loadtest

// reportAgents adds what each agent did. It is called when the figures of the whole run are there, and before they are judged.
func (r *run) reportAgents() {
	report := r.report
	for _, l := range r.links {
		a := l.report(r)
		if reason := a.judgeCPU(); reason != "" {
			report.Generator.Reasons = append(report.Generator.Reasons, reason)
		}
		if reason := a.judgeClock(r.cfg.Scenario, report.Latency); reason != "" {
			a.Warnings = append(a.Warnings, reason)
			report.ClockReasons = append(report.ClockReasons, reason)
		}
		report.Agents = append(report.Agents, a)
	}
}

// report gathers the results of an agent's workers.
func (l *agentLink) report(r *run) AgentReport {
	a := AgentReport{Address: l.agent.Address, Environment: l.welcome.Environment, Sources: []string{}, Warnings: []string{}}
	latency, lag := newHistogram(), newHistogram()
	var cpu int64
	var early uint64
	for _, m := range r.fleet.members {
		if m.link != l {
			continue
		}
		s, w := r.shares[m.number], m.result
		// A histogram of our own making decodes.
		_ = mergeEncoded(lag, w.Lag)
		if m.latency != nil {
			latency.Merge(m.latency)
		}
		a.Conns, a.Established, a.Processes, a.Threads = a.Conns+s.conns, a.Established+w.Tally.Ready-w.Tally.Reborn, a.Processes+1, s.threads
		if a.Processes == 1 {
			for _, source := range s.sources {
				a.Sources = append(a.Sources, source.String())
			}
		}
		for _, busy := range w.LoopBusy {
			a.LoopBusy = max(a.LoopBusy, busy)
		}
		cpu += w.CPU
		early += w.Tally.Early
	}
	a.CPUSecs = float64(cpu) / 1e9
	if length := r.window.End - r.window.From; length > 0 {
		a.CPUBusy = float64(cpu) / float64(length) / float64(max(a.Environment.UsableCores, 1))
	}
	a.LoopLag, a.Latency, a.Clock = percentilesOf(lag), percentilesOf(latency), newAgentClock(l.clock(), early)
	return a
}
