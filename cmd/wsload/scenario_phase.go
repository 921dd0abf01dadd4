package main

import (
	"strings"

	"github.com/wsedge/wsedge/loadtest"
)

// phaseKeys are those of a phase.
func (r *scenarioReader) phaseKeys(p *loadtest.PhasePlan) yamlFields {
	share := func(to *float64) func(*yamlNode) {
		return r.value(func(s string) (err error) { *to, err = parsePart(s); return err })
	}
	return yamlFields{
		{key: "name", says: "for the report, the live view and expectations", set: r.text(&p.Name), required: true},
		{key: "duration", says: "how long it lasts: `30s`", set: r.duration(&p.Duration), required: true},
		{key: "measured", says: "`false`: it counts in the ledger, but not in the run's latency", set: r.negated(&p.Unmeasured)},
		{key: "conns", says: "connections at its end; the way there is a straight line",
			set: r.value(func(s string) error { p.Conns = new(int); return parseInt(s, p.Conns) })},
		{key: "rate", says: "publications per second: `20/s`, or a ramp, `5..20/s`",
			set: r.value(func(s string) (err error) { p.Rate, err = parseRamp(s); return err })},
		{key: "arrivals", says: "`constant`, `poisson`, `burst:N`, or `step:…` with rates of its own",
			set: r.value(func(s string) (err error) { p.Arrivals, err = loadtest.ParseArrivals(s); return err })},
		{key: "churn", says: "connections ended and opened anew: `50/s`", set: r.rate(&p.Churn)},
		{key: "churn-random", says: "`true`: those at random, not the oldest", set: r.boolean(&p.ChurnRandom)},
		{key: "drop", says: "share of the connections that ends at the beginning: `50%`", set: share(&p.Drop)},
		{key: "drop-by", says: "how: `close`, `reset` or `silent`",
			set: r.value(func(s string) error { p.DropBy = loadtest.DropKind(s); return nil })},
		{key: "return-after", says: "when they begin to come back", set: r.duration(&p.ReturnAfter)},
		{key: "return-rate", says: "so many per second (all at once)", set: r.rate(&p.ReturnRate)},
		{key: "return-jitter", says: "each up to so much later", set: r.duration(&p.ReturnJitter)},
		{key: "slow", says: "share of the connections that is slow: `1%`", set: share(&p.Slow)},
		{key: "trickle", says: "what those read: `512B/s` (nothing)",
			set: r.value(func(s string) (err error) { p.Trickle, err = parseByteRate(s); return err })},
	}
}

// phase reads one phase.
func (r *scenarioReader) phase(n *yamlNode) {
	var p loadtest.PhasePlan
	r.mapping(n, r.phaseKeys(&p))
	r.options.config.Phases = append(r.options.config.Phases, p)
}

// parseRamp reads a rate, or a ramp such as 10..1000/s.
func parseRamp(text string) (*loadtest.Ramp, error) {
	from, to, isRamp := strings.Cut(text, "..")
	first, err := parseRate(from)
	if err != nil || !isRamp {
		return &loadtest.Ramp{From: first, To: first}, err
	}
	last, err := parseRate(to)
	return &loadtest.Ramp{From: first, To: last}, err
}
