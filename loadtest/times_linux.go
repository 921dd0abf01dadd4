package loadtest

import (
	"context"
	"slices"
)

// sendTimes gives all workers the intended times of a run with phases; each batch waits until the one before has been taken.
func (r *run) sendTimes(ctx context.Context) error {
	if len(r.cfg.Phases) == 0 {
		return nil
	}
	for sent, batch := range batchesOf(r.totals) {
		taken := func() bool {
			return !slices.ContainsFunc(r.fleet.members, func(m *member) bool { return m.last.Taken < sent })
		}
		if err := r.await(ctx, never, taken); err != nil {
			return err
		}
		if err := r.fleet.command(workerCommand{Times: batch}); err != nil {
			return err
		}
	}
	return nil
}

// clockDoubt is by how much, in ns, the clock of any agent may have been wrong.
func (r *run) clockDoubt() (doubt int64) {
	for _, l := range r.links {
		clock := l.clock()
		doubt = max(doubt, clock.uncertainty())
	}
	return doubt
}
