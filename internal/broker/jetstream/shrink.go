package jetstream

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/wsedge/wsedge/internal/broker"
)

// Promise is what the channels of a namespace keep; of "": those of all namespaces that have no promise.
type Promise struct {
	Namespace string
	Retention broker.Retention
}

// promised is what a shard has to keep so that all promises hold.
func promised(promises []Promise, shard string) limits {
	all := limits{1, bareAge}
	for _, p := range promises {
		if p.Namespace == "" || shardOf(p.Namespace+":") == shard {
			all = all.with(limitsOf(p.Retention))
		}
	}
	return all
}

// narrow is what both keep.
func (l limits) narrow(other limits) limits {
	both := limits{min(l.perSubject, other.perSubject), min(l.maxAge, other.maxAge)}
	if l.maxAge == 0 || other.maxAge == 0 {
		both.maxAge = max(l.maxAge, other.maxAge)
	}
	return both
}

// shrink lowers the limits of all streams to what Config.Promises need, as soon as there is a connection. It is a goroutine.
func (e *Engine) shrink() {
	for !e.link.nc.IsConnected() {
		if !e.rest(tick) {
			return
		}
	}
	all := []string{bareShard}
	for i := range uint64(shards) {
		all = append(all, strconv.FormatUint(i, shards))
	}
	for _, shard := range all {
		s := newStream(e, shard)
		if err := s.shrink(promised(e.config.Promises, shard)); err != nil {
			e.config.Logger.Warn("engine: the stream was not shrunk", "stream", s.name, "error", err.Error())
		}
	}
}

// rest waits; it is false where the engine is closed.
func (e *Engine) rest(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-e.done:
		return false
	}
}

// shrink lowers a stream's limits, if there is one that keeps more. All nodes first see that nothing is known about how much is kept: what one takes for complete
// must not go by limits that hold no more.
func (s *stream) shrink(to limits) error {
	found, is, err := s.look()
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if to = is.limits().narrow(to); to == is.limits() {
		return nil
	}
	mark := math.MaxUint64 - rand.Uint64N(marks)
	found.Config.Metadata[metaRaised] = strconv.FormatUint(mark, 10)
	if err := s.update(found); err != nil {
		return err
	}
	if !s.engine.rest(2 * s.engine.config.SyncInterval) { // each node looks once within it
		return ErrClosed
	}
	found, is, err = s.look()
	if err != nil {
		return err
	}
	if is.raised != mark {
		return errors.New("another node is changing it")
	}
	c := &found.Config
	c.MaxMsgsPerSubject, c.MaxAge, c.Duplicates = to.perSubject, to.maxAge, s.duplicates(to)
	if err := s.update(found); err != nil {
		return err
	}
	s.engine.config.Logger.Info("engine: the stream keeps less", "stream", s.name, "publications", to.perSubject, "age", to.maxAge.String())
	ctx, cancel := context.WithTimeout(context.Background(), s.engine.config.Timeout)
	defer cancel()
	_, err = s.settle(ctx, mark)
	return err
}

// look asks what the stream is.
func (s *stream) look() (*jetstream.StreamInfo, *identity, error) {
	ctx, cancel := context.WithTimeout(context.Background(), s.engine.config.Timeout)
	defer cancel()
	found, err := s.engine.js.Stream(ctx, s.name)
	if err != nil {
		return nil, nil, err
	}
	is, err := s.identityOf(found.CachedInfo())
	return found.CachedInfo(), is, err
}

// update gives the stream the configuration that is in found, which was changed since it was looked at.
func (s *stream) update(found *jetstream.StreamInfo) error {
	ctx, cancel := context.WithTimeout(context.Background(), s.engine.config.Timeout)
	defer cancel()
	_, err := s.change(ctx, found, found.Config)
	return err
}
