package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// run runs one topology after the other, and writes the report.
func run(ctx context.Context, o *options) (clean bool, err error) {
	fmt.Printf("seed %d\n", o.seed)
	launcher, err := newLauncher()
	if err != nil {
		return false, err
	}
	network, err := newNetwork(launcher)
	if err != nil {
		return false, err
	}
	list := strings.Split(o.topologies, ",")
	r := &report{Seed: o.seed, Clients: o.size.clients, Channels: o.size.channels, Began: time.Now(), Counts: make(map[string]int)}
	for i, topology := range list {
		p := o.share(list, i)
		if o.within > 0 {
			left := o.within - time.Since(r.Began)
			p.until = time.Now().Add(left / time.Duration(len(list)-i))
		}
		if err = runTopology(ctx, o, network, topology, p, r); err != nil {
			break
		}
	}
	r.Took = time.Since(r.Began)
	r.write(os.Stdout)
	if o.json != "" {
		text, failed := json.MarshalIndent(r, "", " ")
		err = errors.Join(err, failed, os.WriteFile(o.json, append(text, '\n'), 0o644))
	}
	if err == nil {
		err = ctx.Err()
	}
	return r.clean(), err
}

// share is what is to happen in one of the topologies: each fault in one of those in which it can. What is left over when they have been dealt out goes to another one
// for each kind, so that a short run has some of everything everywhere.
func (o *options) share(list []string, i int) part {
	p := part{seed: o.seed + uint64(i)<<40, publishes: (o.publishes + uint64(len(list)) - 1) / uint64(len(list))}
	p.plan = plan{counts: make(map[string]int), maxHold: o.maxHold}
	for number, kind := range faultKinds {
		var able []string
		for _, topology := range list {
			if kind != killEngine || topology != embedded {
				able = append(able, topology)
			}
		}
		for n := range *o.counts[kind] * min(1, len(able)) {
			if able[(n+number)%len(able)] == list[i] {
				p.plan.counts[kind]++
			}
		}
	}
	return p
}

// part is what is to happen in one topology.
type part struct {
	seed      uint64
	publishes uint64
	plan      plan
	until     time.Time // no fault begins later, and no publications are waited for; zero: no bound
}

// over says whether its time is.
func (p *part) over() bool { return !p.until.IsZero() && time.Now().After(p.until) }

// runTopology starts a topology, breaks it as planned, and adds what came of it to the report.
func runTopology(ctx context.Context, o *options, n *network, topology string, p part, r *report) error {
	dir := filepath.Join(o.dir, topology)
	w, err := newWorld(n, programs{filepath.Join(o.dir, "wsedge"), filepath.Join(o.dir, "nats-server")}, topology, dir, o.history)
	defer w.end()
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	l := newLoad(fmt.Sprintf("%s-%d", topology, o.seed), p.seed, o.size, w.reachable())
	if err := w.start(ctx, l.ledger); err != nil {
		return err
	}
	if err := l.start(ctx); err != nil {
		return fmt.Errorf("%s: %w", topology, err)
	}
	var outcomes []*outcome
	defer func() { r.add(topology, l, outcomes) }()
	faults := schedule(p.seed, p.plan, len(w.nodes), len(w.engines))
	for i, f := range faults {
		if p.over() {
			fmt.Fprintf(os.Stderr, "%s: its time is over: %d of %d faults are left out\n", topology, len(faults)-i, len(faults))
			break
		}
		l.balance(len(w.nodes))
		hold(ctx, f.Calm)
		out := &outcome{fault: f, Topology: topology, Name: w.nameOf(f)}
		outcomes = append(outcomes, out)
		if err := l.through(ctx, out, l.victims(f), func() error { return w.inject(ctx, f) }); err != nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		fmt.Fprintf(os.Stderr, "%s %d/%d %v: accepted %.1f s, served %v; %d acknowledged, %d delivered, %d violations\n", topology, i+1, len(faults), out,
			out.Accepted.Seconds(), distributionOf(out.Served), l.ledger.acknowledged.Load(), l.ledger.delivered.Load(), l.ledger.violations())
	}
	for l.ledger.acknowledged.Load() < p.publishes && !p.over() && ctx.Err() == nil {
		hold(ctx, 100*time.Millisecond)
	}
	l.finish(ctx)
	return errors.Join(l.ledger.auditAll(w.reachable(), o.history), ctx.Err())
}

// nameOf is the target of a fault.
func (w *world) nameOf(f fault) string {
	switch f.Kind {
	case rolling:
		return "all nodes"
	case killAll:
		return "all"
	case both:
		return fmt.Sprint(w.nameOf(f.Both[0]), " and ", w.nameOf(f.Both[1]))
	case oneWay:
		return w.numbered()[f.Target].name + " to " + w.numbered()[f.Peer].name
	}
	return w.numbered()[f.Target].name
}
