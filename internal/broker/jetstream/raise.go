package jetstream

import (
	"context"
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"
)

// marks is how many of the highest sequences stand for none: while limits are raised, one of them says that nothing is known about how much was kept, and who
// raises them.
const marks = 1 << 32

// raise changes the stream's limits. While it does, the metadata say that nothing is known about how much was kept. There is no way to change a stream only if
// nobody else has: where two nodes raise at once, one overwrites the other, which sees that, leaves the rest to it, and raises again, as its limits are not
// covered.
func (s *stream) raise(ctx context.Context, was *jetstream.StreamInfo, to limits) (*jetstream.StreamInfo, error) {
	c := was.Config
	mark := math.MaxUint64 - rand.Uint64N(marks)
	c.MaxMsgsPerSubject, c.MaxAge = to.perSubject, to.maxAge
	c.Duplicates = s.duplicates(to)
	c.Metadata[metaRaised] = strconv.FormatUint(mark, 10)
	if _, err := s.change(ctx, was, c); err != nil {
		return nil, err
	}
	return s.settle(ctx, mark)
}

// change gives the stream another configuration. If it has been deleted since it was looked at, and made anew, that has put the old epoch on the new stream, in which those
// who had the old one would miss nothing: then it gets an epoch that nobody has had.
func (s *stream) change(ctx context.Context, was *jetstream.StreamInfo, c jetstream.StreamConfig) (*jetstream.StreamInfo, error) {
	changed, err := s.engine.js.UpdateStream(ctx, c)
	if err != nil {
		return nil, err
	}
	now := changed.CachedInfo()
	if now.Created.Equal(was.Created) {
		return now, nil
	}
	fresh := s.config(limits{c.MaxMsgsPerSubject, c.MaxAge})
	c.Subjects, c.RePublish, c.Metadata, c.FirstSeq = fresh.Subjects, fresh.RePublish, fresh.Metadata, now.State.LastSeq+1
	s.engine.config.Logger.Error("engine: a stream was made anew while it was changed, and begins another epoch", "stream", s.name, "epoch", fresh.Metadata[metaEpoch])
	if changed, err = s.engine.js.UpdateStream(ctx, c); err != nil {
		return nil, err
	}
	return changed.CachedInfo(), nil
}

// settle notes from which sequence on the limits hold, if the mark still stands.
func (s *stream) settle(ctx context.Context, mark uint64) (*jetstream.StreamInfo, error) {
	found, err := s.engine.js.Stream(ctx, s.name)
	if err != nil {
		return nil, err
	}
	info := found.CachedInfo()
	c := info.Config
	if c.Metadata[metaRaised] != strconv.FormatUint(mark, 10) {
		return info, nil
	}
	c.Metadata[metaRaised] = strconv.FormatUint(info.State.LastSeq, 10)
	return s.change(ctx, info, c)
}

// abandoned tells whether a mark has stood for so long that whoever made it has gone.
func (s *stream) abandoned(is *identity) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.engine.config.Now()
	if s.marked != is.raised {
		s.marked, s.markedAt = is.raised, now
	}
	return is.raised > math.MaxUint64-marks && now.Sub(s.markedAt) > 2*s.engine.config.Timeout
}

// presently is what a stream is by now, if it is in the epoch of is: somebody may have changed its limits since a log began. The caller may hold the log's mutex.
func (s *stream) presently(is *identity) *identity {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.is != nil && s.is.epoch == is.epoch {
		return s.is
	}
	return is
}
