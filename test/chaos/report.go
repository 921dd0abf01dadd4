package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// shownViolations is how many are written out.
const shownViolations = 20

// aroundFault is how far from a fault a violation may be to be told with it.
const aroundFault = 20 * time.Second

// report is what a run has found.
type report struct {
	Seed       uint64         `json:"seed"`
	Clients    int            `json:"clients"`
	Channels   int            `json:"channels"`
	Began      time.Time      `json:"began"`
	Took       time.Duration  `json:"took_ns"`
	Topologies []string       `json:"topologies"`
	Ledger     ledgerReport   `json:"ledger"`
	Faults     []*outcome     `json:"faults"`
	Kinds      []kindReport   `json:"kinds"`
	Counts     map[string]int `json:"violations"`
	First      []violation    `json:"first_violations"`
	FirstTold  []violation    `json:"first_told"` // what clients were told to be missing, which breaks no promise
}

// ledgerReport is the ledger's sums. Told is how many deliveries did not come, and were announced as such.
type ledgerReport struct {
	Acknowledged uint64 `json:"acknowledged"`
	Retried      uint64 `json:"retried"`
	Delivered    uint64 `json:"delivered"`
	Lives        uint64 `json:"lives"`
	Recovered    uint64 `json:"recovered"`
	NotRecovered uint64 `json:"not_recovered"`
	Gaps         uint64 `json:"gaps"`
	Told         uint64 `json:"told"`
}

// kindReport is what faults of one kind have cost, in one topology: times as in outcome.
type kindReport struct {
	Topology string       `json:"topology"`
	Kind     string       `json:"kind"`
	Count    int          `json:"count"`
	Served   distribution `json:"served"`
	Back     distribution `json:"back"`
	Accepted distribution `json:"accepted"`
}

// distribution is quantiles of times.
type distribution struct {
	N   int           `json:"n"`
	P50 time.Duration `json:"p50_ns"`
	P99 time.Duration `json:"p99_ns"`
	Max time.Duration `json:"max_ns"`
}

func distributionOf(times []time.Duration) (d distribution) {
	if d.N = len(times); d.N == 0 {
		return d
	}
	times = slices.Clone(times)
	slices.Sort(times)
	return distribution{d.N, times[d.N/2], times[d.N*99/100], times[d.N-1]}
}

func (d distribution) String() string {
	if d.N == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f/%.1f/%.1f s", d.P50.Seconds(), d.P99.Seconds(), d.Max.Seconds())
}

// add takes what one topology has brought.
func (r *report) add(topology string, l *load, outcomes []*outcome) {
	r.Topologies = append(r.Topologies, topology)
	g := l.ledger
	r.Ledger.Acknowledged += g.acknowledged.Load()
	r.Ledger.Retried += g.retried.Load()
	r.Ledger.Delivered += g.delivered.Load()
	r.Ledger.Recovered += g.recovered.Load()
	r.Ledger.NotRecovered += g.notRecovered.Load()
	r.Ledger.Gaps += g.gaps.Load()
	r.Ledger.Told += g.toldN.Load()
	for _, c := range l.clients {
		r.Ledger.Lives += c.lives.Load()
	}
	r.addKinds(topology, outcomes)
	g.mu.Lock()
	defer g.mu.Unlock()
	for kind, n := range g.counts {
		r.Counts[kind] += n
	}
	r.First = append(r.First, amid(outcomes, g.kept)...)
	r.First = r.First[:min(len(r.First), maxViolations)]
	r.FirstTold = append(r.FirstTold, amid(outcomes, g.told)...)
}

// amid adds to what was noted the faults around it.
func amid(outcomes []*outcome, noted []violation) (list []violation) {
	for _, v := range noted {
		for _, o := range outcomes {
			if v.At.After(o.Begin) && (o.End.IsZero() || v.At.Before(o.End.Add(aroundFault))) {
				v.Faults = append(v.Faults, o.String())
			}
		}
		list = append(list, v)
	}
	return list
}

func (r *report) addKinds(topology string, outcomes []*outcome) {
	r.Faults = append(r.Faults, outcomes...)
	for _, kind := range faultKinds {
		k := kindReport{Topology: topology, Kind: kind}
		var served, back, accepted []time.Duration
		for _, o := range outcomes {
			if o.Kind == kind {
				k.Count++
				served, back, accepted = append(served, o.Served...), append(back, o.Back...), append(accepted, o.Accepted)
			}
		}
		k.Served, k.Back, k.Accepted = distributionOf(served), distributionOf(back), distributionOf(accepted)
		if k.Count > 0 {
			r.Kinds = append(r.Kinds, k)
		}
	}
}

// clean says whether no promise was broken.
func (r *report) clean() bool { return len(r.Counts) == 0 }

// write writes it for people.
func (r *report) write(w io.Writer) {
	fmt.Fprintf(w, "seed %d, %d clients, %d channels, %s, %v\n", r.Seed, r.Clients, r.Channels, strings.Join(r.Topologies, " "), r.Took.Round(time.Second))
	fmt.Fprintf(w, "\n%-9s %-22s %5s   %-20s %-20s %s\n", "topology", "fault", "count", "served p50/p99/max", "subscribed again", "publishes accepted")
	for _, k := range r.Kinds {
		fmt.Fprintf(w, "%-9s %-22s %5d   %-20v %-20v %v\n", k.Topology, k.Kind, k.Count, k.Served, k.Back, k.Accepted)
	}
	g := r.Ledger
	fmt.Fprintf(w, "\nledger: %d acknowledged (%d repeated requests), %d delivered in %d lives; %d recoveries, %d refused, %d gaps, %d told missing\n",
		g.Acknowledged, g.Retried, g.Delivered, g.Lives, g.Recovered, g.NotRecovered, g.Gaps, g.Told)
	count := func(kind string) int { return r.Counts[kind] }
	fmt.Fprintf(w, "violations: %d lost, %d silent gaps, %d duplicates, %d made twice, %d out of order, %d corrupt\n",
		count(lost), count(silentGap), count(duplicate), count(madeTwice), count(disorder), count(corrupt))
	for _, kind := range slices.Sorted(maps.Keys(r.Counts)) {
		fmt.Fprintf(w, "  %s: %d\n", kind, r.Counts[kind])
	}
	writeNoted(w, r.First)
	writeNoted(w, r.FirstTold)
}

// writeNoted writes the first of what was noted.
func writeNoted(w io.Writer, list []violation) {
	for _, v := range list[:min(len(list), shownViolations)] {
		fmt.Fprintf(w, "\n%s\n", v)
		for _, f := range v.Faults {
			fmt.Fprintf(w, "  fault    %s\n", f)
		}
	}
}
