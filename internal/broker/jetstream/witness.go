package jetstream

import (
	"time"

	"github.com/wsedge/wsedge/internal/broker"
)

// witnessLife is how long a publication may be under way to a node and its receipt still be of interest: what is read later from the stream was not waited for.
const witnessLife = 10 * time.Second

// Witness implements broker.Witnessed.
func (e *Engine) Witness(take func(channel string, at broker.Position, r broker.Receipt)) {
	e.witness.Store(&take)
}

// witnessOf is whom to tell of what becomes of a record, nil for nobody.
func (e *Engine) witnessOf(r *record) func(string, broker.Position, broker.Receipt) {
	if !r.receipt {
		return nil
	}
	take := e.witness.Load()
	if take == nil || e.config.Now().Sub(r.at) > witnessLife {
		return nil
	}
	return *take
}

// Awaits implements broker.Witnessed.
func (e *Engine) Awaits(channel string, at broker.Position) bool {
	_, out := e.streamOf(channel).subjects(at.Epoch)
	l := e.logOf(out + subjectOf(channel))
	if l == nil {
		return e.wides.cover(channel) // its first publication makes the log live
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.phase == starting || l.phase == live && l.is.epoch == at.Epoch && l.last < at.Offset
}
