package edge

import (
	"context"
	"encoding/json"
	"time"

	"github.com/wsedge/wsedge/internal/api"
	"github.com/wsedge/wsedge/internal/auth"
)

// store stores one, for other nodes. Where it can't it is owed: api.ErrNotKept.
func (r *revocations) store(what auth.Revocation) error {
	r.owe(what)
	ctx, cancel := r.within(revocationTimeout)
	defer cancel()
	if err := r.put(ctx, what); err != nil {
		r.server.config.Logger.Warn("revocations: one is not stored for other nodes yet; it is tried on", "error", err.Error())
		return api.ErrNotKept
	}
	return nil
}

// put stores one that is owed.
func (r *revocations) put(ctx context.Context, what auth.Revocation) error {
	value, err := json.Marshal(what)
	if err == nil {
		err = r.registry.Put(ctx, what.Key(), value, r.server.gate.auth.Keep())
	}
	if err == nil {
		r.settle(map[string]time.Time{what.Key(): what.At})
	}
	return err
}

func (r *revocations) owe(what auth.Revocation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if what.At.After(r.owed[what.Key()].At) {
		r.owed[what.Key()] = what
	}
}

// oweMissing owes what is remembered here and not stored, or not as late.
func (r *revocations) oweMissing(stored map[string]time.Time) {
	for _, what := range r.server.gate.auth.Revocations() {
		if at, ok := stored[what.Key()]; !ok || what.At.After(at) {
			r.owe(what)
		}
	}
}

func (r *revocations) oweOne() {
	if all := r.server.gate.auth.Revocations(); len(all) > 0 {
		r.owe(all[0])
	}
}

// settle takes out what is owed no longer.
func (r *revocations) settle(stored map[string]time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, at := range stored {
		if what, ok := r.owed[key]; ok && !what.At.After(at) {
			delete(r.owed, key)
		}
	}
}

// storeOwed stores some of what is owed, whichever: other nodes may owe the same, and store others first. It tells whether there is more.
func (r *revocations) storeOwed() (more bool) {
	keep, now := r.server.gate.auth.Keep(), r.server.config.now()
	r.mu.Lock()
	var some []auth.Revocation
	for key, what := range r.owed {
		if now.Sub(what.At) > keep { // nothing can be hit by it any more, and where the registry is full it would be owed for ever
			delete(r.owed, key)
			continue
		}
		if some = append(some, what); len(some) == storeAtOnce {
			break
		}
	}
	more = len(some) < len(r.owed)
	r.mu.Unlock()
	ctx, cancel := r.within(registryTimeout)
	defer cancel()
	for _, what := range some {
		if r.put(ctx, what) != nil {
			return false // later
		}
	}
	return more
}
