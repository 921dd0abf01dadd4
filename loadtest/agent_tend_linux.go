package loadtest

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// silentWorkers is how many times an agent's silence one of its workers may last: that has no pings to answer, and is quiet
// while it settles its ledgers.
const silentWorkers = 2

// tendAgents is done four times a second: workers on other machines get their clocks set, and have to be heard of.
func (r *run) tendAgents() error {
	var failures []error
	for _, m := range r.fleet.members {
		if m.link == nil || m.result != nil {
			continue
		}
		if quiet := time.Since(m.heard); quiet > silentWorkers*r.cfg.silence {
			failures = append(failures, fmt.Errorf("%sworker %d has said nothing for %v", m.link.prefix(), m.number, quiet.Round(time.Second)))
			continue
		}
		clock := m.link.clock()
		if clock.rounds == m.told {
			continue
		}
		m.told = clock.rounds
		line := clock.line(r.epoch)
		if err := m.commands.Encode(workerCommand{Clock: &line}); err != nil {
			failures = append(failures, m.link.named(err))
		}
	}
	return errors.Join(failures...)
}

// markClocks begins the stretch that the report's uncertainties are about, and returns how long an order takes to the
// farthest agent, in ns.
func (r *run) markClocks() (farthest int64) {
	for _, l := range r.links {
		l.mark()
		clock := l.clock()
		farthest = max(farthest, clock.shortest)
	}
	return farthest
}

// compareClocksAgain waits for one more look at the agents' clocks behind the window.
func (r *run) compareClocksAgain(ctx context.Context) error {
	if len(r.links) == 0 {
		return nil
	}
	behind := make([]int, len(r.links))
	for i, l := range r.links {
		behind[i] = l.clock().rounds + 1
		select {
		case l.hurry <- struct{}{}:
		default:
		}
	}
	return r.await(ctx, r.clock.now()+int64(r.cfg.silence), func() bool {
		for i, l := range r.links {
			if l.clock().rounds < behind[i] {
				return false
			}
		}
		return true
	})
}
