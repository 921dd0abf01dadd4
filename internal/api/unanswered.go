package api

import (
	"errors"
	"sync"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/hub"
)

// maxUnanswered bounds the publications with an idempotency key of which the engine has not said yet what became of them: some 300 B each,
// without what the engine keeps. One that would be too many is refused before it is made.
const maxUnanswered = 10_000

// errTooManyUnanswered says that the publication was not made.
var errTooManyUnanswered = errors.New("api: the engine owes too many answers")

// outcome is what becomes of a publication.
type outcome struct {
	known  chan struct{} // closed when the engine has answered
	result broker.Result // not to be read before that
	err    error
}

// wait waits for the engine, but not for ever: errUnanswered says that nobody knows yet.
func (o *outcome) wait(until time.Time) (broker.Result, error) {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-o.known:
		return o.result, o.err
	case <-timer.C:
		return broker.Result{}, errUnanswered
	}
}

// unanswered are the publications with a key that are under way. Whoever comes with the same key meanwhile, or because the first attempt
// has been given up, gets what becomes of the first: a second could overtake it. Safe from any goroutine.
type unanswered struct {
	mu sync.Mutex
	of map[keyed]*outcome
}

// keyed is what a key is good for: one channel.
type keyed struct{ channel, key string }

// enter notes a publication as under way, unless one with its key is: then first is that one. Without a key it does nothing.
func (u *unanswered) enter(k keyed, o *outcome) (first *outcome, err error) {
	if k.key == "" {
		return nil, nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if first := u.of[k]; first != nil {
		return first, nil
	}
	if len(u.of) >= maxUnanswered {
		return nil, errTooManyUnanswered
	}
	if u.of == nil {
		u.of = make(map[keyed]*outcome)
	}
	u.of[k] = o
	return nil, nil
}

// leave notes what has become of a publication that enter has let in. From here on the engine knows the key.
func (u *unanswered) leave(k keyed, o *outcome, result broker.Result, err error) {
	o.result, o.err = result, err
	close(o.known)
	if k.key != "" {
		u.mu.Lock()
		delete(u.of, k)
		u.mu.Unlock()
	}
}

// publishOnce publishes data to one channel and waits for the engine, but no longer than p.until: errUnanswered. Behind that nothing is
// published any more: a broadcast to an engine that is dead does not wait once for each channel.
func (h *handler) publishOnce(name string, p *publication) (broker.Result, error) {
	if !time.Now().Before(p.until) {
		return broker.Result{}, errTooManyUnanswered
	}
	channel, err := h.config.Hub.Acquire(name)
	if err != nil {
		return broker.Result{}, err
	}
	k, o := keyed{name, p.key}, &outcome{known: make(chan struct{})}
	if first, err := h.unanswered.enter(k, o); first != nil || err != nil {
		channel.Release()
		if err != nil {
			return broker.Result{}, err
		}
		result, err := first.wait(p.until)
		result.Receipt, result.Repeated = nil, true // it was the first's, who may be waiting for it
		return result, err
	}
	end := func(channel *hub.Channel, result broker.Result, err error) {
		channel.Release() // until now, so that the channel, which knows the keys, is not forgotten
		h.unanswered.leave(k, o, result, err)
	}
	result, err := channel.Publish(
		&broker.Publication{Data: p.data, Exclude: p.exclude, IdempotencyKey: broker.ScopedKey("api", p.key), Receipt: p.receipt},
		func(result broker.Result, err error) { end(channel, result, err) })
	if errors.Is(err, broker.ErrPending) {
		return o.wait(p.until)
	}
	end(channel, result, err)
	return result, err
}
