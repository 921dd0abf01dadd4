package main

import (
	"reflect"
	"testing"
	"time"
)

func TestScheduleIsMadeOfTheSeed(t *testing.T) {
	p := plan{counts: make(map[string]int), maxHold: 20 * time.Second}
	for _, kind := range faultKinds {
		p.counts[kind] = 30
	}
	for _, engines := range []int{0, 1, 3} {
		list := schedule(7, p, nodeCount, engines)
		if !reflect.DeepEqual(list, schedule(7, p, nodeCount, engines)) {
			t.Error("one seed, two schedules")
		}
		if reflect.DeepEqual(list, schedule(8, p, nodeCount, engines)) {
			t.Error("two seeds, one schedule")
		}
		counts, targets := make(map[string]int), make(map[int]bool)
		for _, f := range list {
			counts[f.Kind]++
			targets[f.Target] = true
			f.check(t, nodeCount, engines)
		}
		for _, kind := range faultKinds {
			if want := 30; counts[kind] != want && !(kind == killEngine && engines == 0) {
				t.Errorf("%d engine servers: %d of %q, want %d", engines, counts[kind], kind, want)
			}
		}
		if len(targets) != nodeCount+engines {
			t.Errorf("%d engine servers: %d targets", engines, len(targets))
		}
	}
}

// check wants a fault that can be made.
func (f *fault) check(t *testing.T, nodes, engines int) {
	t.Helper()
	isEngine := f.Target >= nodes
	bad := f.Target < 0 || f.Target >= nodes+engines || f.Hold < 0 || f.Hold > 20*time.Second
	switch f.Kind {
	case killNode:
		bad = bad || isEngine
	case killEngine:
		bad = bad || !isEngine
	case partition:
		bad = bad || len(f.Sides) == 0 || isEngine && !reflect.DeepEqual(f.Sides, []string{back})
	case oneWay:
		bad = bad || f.Peer == f.Target || f.Peer < 0 || f.Peer >= nodes+engines || engines > 0 && f.Target < nodes && f.Peer < nodes
	case both:
		bad = bad || len(f.Both) != 2 || f.Both[0].Target == f.Both[1].Target
		for i := range f.Both {
			f.Both[i].check(t, nodes, engines)
		}
	}
	if bad {
		t.Errorf("%d nodes, %d engine servers: %+v", nodes, engines, *f)
	}
}

// TestShares: each fault that is asked for happens in one topology.
func TestShares(t *testing.T) {
	o, err := parse([]string{"-seed", "7", "-kill-node", "50", "-kill-engine", "5", "-publishes", "30"})
	if err != nil {
		t.Fatal(err)
	}
	o.fill()
	list := []string{embedded, nats1, nats3}
	sums, seeds, publishes := make(map[string]int), make(map[uint64]bool), uint64(0)
	for i := range list {
		p := o.share(list, i)
		for kind, n := range p.plan.counts {
			sums[kind] += n
		}
		seeds[p.seed] = true
		publishes += p.publishes
	}
	for kind, n := range o.counts {
		if sums[kind] != *n {
			t.Errorf("%q: %d, want %d", kind, sums[kind], *n)
		}
	}
	if len(seeds) != len(list) || publishes != 30 || sums[killNode] != 50 {
		t.Errorf("%v %d %v", seeds, publishes, sums)
	}
}
