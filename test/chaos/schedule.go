package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Kinds of faults.
const (
	killNode   = "kill a node"
	killEngine = "kill an engine server"
	pause      = "stop a process"
	partition  = "partition"
	rolling    = "rolling restart"
	killAll    = "kill everything"
)

var faultKinds = []string{killNode, killEngine, pause, partition, rolling, killAll}

// Sides of a machine's network.
const (
	front = "front" // clients and publishers
	back  = "back"  // other servers
)

// fault is one thing that goes wrong.
type fault struct {
	Kind   string        `json:"kind"`
	Target int           `json:"target"` // of the topology's servers: nodes first, then engine servers
	Hold   time.Duration `json:"hold"`   // how long the process is down, stopped, or cut off
	Sides  []string      `json:"sides,omitempty"`
	Calm   time.Duration `json:"calm"` // before it, with everything well
}

func (f fault) String() string {
	text := fmt.Sprintf("%s: %d for %v", f.Kind, f.Target+1, f.Hold.Round(time.Millisecond))
	return strings.TrimSuffix(text+" "+strings.Join(f.Sides, "+"), " ")
}

// plan is how many faults of each kind there are, and how long what is stopped or cut off stays so at most.
type plan struct {
	counts  map[string]int
	maxHold time.Duration
}

// schedule makes the faults of one topology out of a seed. Where a topology has no engine servers of its own, there are none of their faults.
func schedule(seed uint64, p plan, nodes, engines int) (list []fault) {
	random := rand.New(rand.NewPCG(seed, 2<<32))
	for _, kind := range faultKinds {
		if kind == killEngine && engines == 0 {
			continue
		}
		for i := range p.counts[kind] {
			f := fault{Kind: kind, Calm: between(random, time.Second, 3*time.Second)}
			switch kind {
			case killNode:
				f.Target, f.Hold = random.IntN(nodes), between(random, 0, 3*time.Second)
			case killEngine:
				f.Target, f.Hold = nodes+random.IntN(engines), between(random, 0, 3*time.Second)
			case killAll:
				f.Hold = between(random, 0, 3*time.Second)
			case pause, partition:
				// In turns, so that a short run has both.
				if f.Target = random.IntN(nodes); engines > 0 && i%2 == 0 {
					f.Target = nodes + random.IntN(engines)
				}
				f.Hold = between(random, time.Second, p.maxHold)
			}
			if kind == partition {
				f.Sides = sidesOf(random, f.Target < nodes)
			}
			list = append(list, f)
		}
	}
	random.Shuffle(len(list), func(i, k int) { list[i], list[k] = list[k], list[i] })
	return list
}

// sidesOf says on which sides a machine is cut off: an engine server has nobody in front of it.
func sidesOf(random *rand.Rand, node bool) []string {
	if !node {
		return []string{back}
	}
	return [][]string{{front}, {back}, {front, back}}[random.IntN(3)]
}

func between(random *rand.Rand, from, to time.Duration) time.Duration {
	return from + time.Duration(random.Int64N(int64(to-from)))
}
