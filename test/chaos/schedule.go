package main

import (
	"math/rand/v2"
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
	oneWay     = "one-way partition"
	both       = "two at once"
)

var faultKinds = []string{killNode, killEngine, pause, partition, oneWay, both, rolling, killAll}

// Sides of a machine's network.
const (
	front = "front" // clients and publishers
	back  = "back"  // other servers
)

// fault is one thing that goes wrong.
type fault struct {
	Kind   string        `json:"kind"`
	Target int           `json:"target"`  // of the topology's servers: nodes first, then engine servers
	Hold   time.Duration `json:"hold_ns"` // how long the process is down, stopped, or cut off
	Sides  []string      `json:"sides,omitempty"`
	Peer   int           `json:"peer,omitempty"` // of oneWay: what the target sends to it is lost
	Both   []fault       `json:"both,omitempty"`
	Calm   time.Duration `json:"calm_ns"` // before it, with everything well
}

// plan is how many faults of each kind there are, and how long what is stopped or cut off stays so at most.
type plan struct {
	counts  map[string]int
	maxHold time.Duration
}

// schedule makes the faults of one topology out of a seed. Where a topology has no engine servers of its own, there are none of their faults.
func schedule(seed uint64, p plan, nodes, engines int) (list []fault) {
	s := scheduler{rand.New(rand.NewPCG(seed, 2<<32)), p.maxHold, nodes, engines}
	for _, kind := range faultKinds {
		if kind == killEngine && engines == 0 {
			continue
		}
		for i := range p.counts[kind] {
			f := s.fault(kind, i)
			f.Calm = s.between(time.Second, 3*time.Second)
			list = append(list, f)
		}
	}
	s.random.Shuffle(len(list), func(i, k int) { list[i], list[k] = list[k], list[i] })
	return list
}

// scheduler makes up faults.
type scheduler struct {
	random         *rand.Rand
	maxHold        time.Duration
	nodes, engines int
}

// fault makes one of a kind, the i-th.
func (s *scheduler) fault(kind string, i int) fault {
	f := fault{Kind: kind, Hold: s.between(0, 3*time.Second)}
	switch kind {
	case killNode:
		f.Target = s.random.IntN(s.nodes)
	case killEngine:
		f.Target = s.nodes + s.random.IntN(s.engines)
	case pause, partition:
		// In turns, so that a short run has both.
		if f.Target = s.random.IntN(s.nodes); s.engines > 0 && i%2 == 0 {
			f.Target = s.nodes + s.random.IntN(s.engines)
		}
		f.Hold = s.between(time.Second, s.maxHold)
		if kind == partition {
			f.Sides = s.sides(f.Target < s.nodes)
		}
	case oneWay:
		f.Target, f.Peer = s.two()
		f.Hold = s.between(time.Second, s.maxHold)
	case both:
		f.Hold = 0
		kinds := []string{killNode, pause, partition}
		if s.engines > 0 {
			kinds = append(kinds, killEngine)
		}
		for len(f.Both) < 2 {
			one := s.fault(kinds[s.random.IntN(len(kinds))], s.random.IntN(2))
			if len(f.Both) == 0 || f.Both[0].Target != one.Target {
				f.Both = append(f.Both, one)
			}
		}
	}
	return f
}

// two are two servers that talk to each other: engine servers, where there are any, have something to say to every other server.
func (s *scheduler) two() (a, b int) {
	all := s.nodes + s.engines
	a = s.random.IntN(all)
	if s.engines > 0 {
		a = s.nodes + s.random.IntN(s.engines)
	}
	if b = s.random.IntN(all - 1); b >= a {
		b++
	}
	if s.random.IntN(2) == 0 {
		return b, a
	}
	return a, b
}

// sides says on which sides a machine is cut off: an engine server has nobody in front of it.
func (s *scheduler) sides(node bool) []string {
	if !node {
		return []string{back}
	}
	return [][]string{{front}, {back}, {front, back}}[s.random.IntN(3)]
}

func (s *scheduler) between(from, to time.Duration) time.Duration {
	return from + time.Duration(s.random.Int64N(max(1, int64(to-from))))
}
