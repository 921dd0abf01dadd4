package webhook

import (
	"maps"
	"time"
)

// Outcomes of what was asked, as Stats.Asked counts them.
const (
	Allowed   = "allowed"   // by the backend
	Refused   = "refused"   // by the backend
	Failed    = "failed"    // the policy on failure decided
	Abandoned = "abandoned" // nobody waited for it any more
)

// Bounds are the upper bounds of the buckets of Stats.Latency; one more bucket is for what lies above.
var Bounds = [...]time.Duration{
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second,
}

// Outcome is what became of a question.
type Outcome struct {
	Event   Event
	Outcome string
}

// Stats are a client's numbers since New.
type Stats struct {
	// Asked counts questions by event and outcome.
	Asked map[Outcome]int64
	// Failures counts, by reason, questions that failed and attempts to tell that did.
	Failures map[string]int64
	// Told is of how many clients' ends the backend has heard; Dropped counts, by reason, those that it will not hear of; Retries
	// are attempts that were repeated.
	Told, Retries int64
	Dropped       map[string]int64
	// Asking is how many questions are under way, and Telling how many clients' ends wait. CircuitOpen: nobody is asked for now.
	Asking, Telling int
	CircuitOpen     bool
	// Latency counts by bucket how long questions took that were put to the backend, all waiting included, and LatencySum is the sum.
	Latency    [len(Bounds) + 1]int64
	LatencySum time.Duration
}

// counts are guarded by the client's mu.
type counts struct {
	asked           map[Outcome]int64
	failed, dropped map[string]int64
	told, retries   int64
	latency         [len(Bounds) + 1]int64
	latencySum      time.Duration
}

func newCounts() counts {
	return counts{asked: map[Outcome]int64{}, failed: map[string]int64{}, dropped: map[string]int64{}}
}

// answered counts a question.
func (n *counts) answered(q *Question, v Verdict, f *failure, took time.Duration) {
	outcome := Failed
	switch {
	case f != nil && f.reason == failAbandoned:
		outcome = Abandoned
	case f != nil:
		n.failed[f.reason]++
	case v.Allow:
		outcome = Allowed
	default:
		outcome = Refused
	}
	n.asked[Outcome{q.event, outcome}]++
	if q.state != answered {
		return
	}
	i := 0
	for i < len(Bounds) && took > Bounds[i] {
		i++
	}
	n.latency[i]++
	n.latencySum += took
}

// Stats returns the numbers.
func (c *Client) Stats() Stats {
	if c == nil {
		return Stats{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n := &c.counts
	return Stats{
		Asked: maps.Clone(n.asked), Failures: maps.Clone(n.failed), Told: n.told, Retries: n.retries, Dropped: maps.Clone(n.dropped),
		Asking: c.held, Telling: len(c.teller.waiting), CircuitOpen: c.current.Load().breaker.open(), Latency: n.latency, LatencySum: n.latencySum,
	}
}
