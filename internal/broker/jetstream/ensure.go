package jetstream

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/wsedge/wsedge/internal/broker"
)

// Keys of a stream's metadata.
const (
	metaEpoch  = "wsedge_epoch"
	metaRaised = "wsedge_raised" // the last sequence when its limits were raised: before it, less was kept; a mark while they are, see raise
)

// current tells whether that is the stream's epoch, as far as is known by now.
func (s *stream) current(is *identity) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.is != nil && s.is.epoch == is.epoch
}

// ensure makes the stream, or raises its limits, if need be.
func (s *stream) ensure(ctx context.Context, wanted limits) (*identity, error) {
	js := s.engine.js
	found, err := js.Stream(ctx, s.name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		found, err = js.CreateStream(ctx, s.config(wanted))
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // somebody else was faster
			found, err = js.Stream(ctx, s.name)
		}
	}
	if err != nil {
		return nil, err
	}
	info := found.CachedInfo()
	is, err := s.identityOf(info)
	if err != nil {
		return is, err
	}
	if is.limits().cover(wanted) {
		if !s.abandoned(is) {
			return is, nil
		}
		if info, err = s.settle(ctx, is.raised); err != nil {
			return is, nil // what is known is good all the same
		}
		return s.identityOf(info)
	}
	if info, err = s.raise(ctx, info, is.limits().with(wanted)); err != nil {
		return nil, err
	}
	return s.identityOf(info)
}

// duplicates is for how long the stream knows keys: no longer than it keeps publications.
func (s *stream) duplicates(l limits) time.Duration {
	if l.maxAge == 0 {
		return broker.KeyLife
	}
	return min(broker.KeyLife, l.maxAge)
}

// config is that of a stream that is made: with an epoch of its own, which is in its subjects, too, so that nothing of one epoch is ever taken
// for another's.
func (s *stream) config(l limits) jetstream.StreamConfig {
	epoch := strconv.FormatUint(rand.Uint64(), 36)
	c := &s.engine.config
	in, out := s.subjects(epoch)
	return jetstream.StreamConfig{
		Name: s.name, Description: "wsedge", Subjects: []string{in + ">"},
		RePublish:         &jetstream.RePublish{Source: in + ">", Destination: out + ">"},
		Storage:           c.storage(),
		Replicas:          c.Replicas,
		MaxMsgsPerSubject: l.perSubject, MaxAge: l.maxAge, Discard: jetstream.DiscardOld, Duplicates: s.duplicates(l),
		AllowDirect: true,
		FirstSeq:    max(c.FirstOffset(), s.above()),
		Metadata:    map[string]string{metaEpoch: epoch, metaRaised: "0"},
	}
}

// subjects are what the subjects of an epoch begin with.
func (s *stream) subjects(epoch string) (in, out string) {
	behind := s.shard + "." + epoch + "."
	return s.engine.config.Prefix + ".in." + behind, s.engine.config.Prefix + ".out." + behind
}

// identityOf reads what a stream is. An error: it is not wsedge's.
func (s *stream) identityOf(info *jetstream.StreamInfo) (*identity, error) {
	c := &info.Config
	is := &identity{epoch: c.Metadata[metaEpoch], perSubject: c.MaxMsgsPerSubject, maxAge: c.MaxAge, first: c.FirstSeq}
	raised, err := strconv.ParseUint(c.Metadata[metaRaised], 10, 64)
	is.in, is.out = s.subjects(is.epoch)
	switch {
	case is.epoch == "" || err != nil:
		return nil, errors.New("a stream of that name is not wsedge's")
	case c.RePublish == nil || c.RePublish.Destination != is.out+">" || !c.AllowDirect:
		return nil, errors.New("the stream does not republish what it stores to " + is.out + ">, or cannot be read directly")
	}
	is.raised = raised
	return is, nil
}
