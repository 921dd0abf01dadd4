package jetstream

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// complainEvery is how often the log says that there is no stream.
const complainEvery = 10 * time.Second

// stream is that of the channels of a shard. Its limits grow with what these promise, and never shrink by themselves: other nodes may still promise more.
type stream struct {
	// Immutable after newStream.
	engine *Engine
	name   string
	shard  string
	acks   *cursorStream

	// Guarded by mu.
	mu       sync.Mutex
	wanted   limits
	is       *identity // nil until it is known
	asking   bool
	raising  bool                     // what is asked for next waits until more is kept
	waiting  []func(*identity, error) // in their order
	open     []*log                   // that are live
	floor    atomic.Uint64            // of channels without a log nothing up to there is missing; shared: atomic
	bare     atomic.Uint64            // the last publication that was delivered without a log; likewise
	compared int                      // index into open, from which on comparing goes on

	complained time.Time
	marked     uint64    // what the metadata say in place of a sequence
	markedAt   time.Time // since when, as this node has seen it

	reach    reach     // what its leader says
	doubting bool      // it is looked into whether its sequence went back
	evidence *evidence // that it has; nil: nothing was seen
	highest  uint64    // that this node knows of a stream that has lost its end: what is made anew begins above it
}

func newStream(e *Engine, shard string) *stream {
	s := &stream{engine: e, name: e.config.Prefix, shard: shard, wanted: limits{1, bareAge}}
	if shard != bareShard {
		s.name += "_" + shard
	}
	s.acks = newCursorStream(e, s.name, s.shard)
	return s
}

// want has the stream keep that from now on.
func (s *stream) want(l limits) {
	s.mu.Lock()
	grows := !s.wanted.cover(l)
	s.wanted = s.wanted.with(l)
	raise := grows && s.is != nil
	s.raising = s.raising || raise
	s.mu.Unlock()
	if raise {
		s.check()
	}
}

// whenKnown calls do with the stream's identity, which is asked for where it is not known; before this returns where it is. Calls come in their order.
func (s *stream) whenKnown(do func(*identity, error)) {
	s.mu.Lock()
	if is := s.is; is != nil && !s.raising {
		s.mu.Unlock()
		do(is, nil)
		return
	}
	if len(s.waiting) >= maxRequests {
		s.mu.Unlock()
		do(nil, ErrBusy)
		return
	}
	s.waiting = append(s.waiting, do)
	s.mu.Unlock()
	s.check()
}

// check asks NATS what the stream is, and makes it or raises its limits if need be. It does not wait.
func (s *stream) check() {
	s.mu.Lock()
	again := s.asking
	s.asking = true
	s.mu.Unlock()
	if !again && !s.engine.start(s.ask) {
		s.known(nil, ErrClosed)
	}
}

// ask is a goroutine.
func (s *stream) ask() {
	ctx, cancel := context.WithTimeout(context.Background(), s.engine.config.Timeout)
	defer cancel()
	s.mu.Lock()
	wanted := s.wanted
	s.mu.Unlock()
	if !s.engine.link.nc.IsConnected() {
		s.known(nil, ErrDown) // at once, rather than when the answer does not come
		return
	}
	is, err := s.ensure(ctx, wanted)
	if err != nil {
		s.complain(err)
		err = because(ErrDown, "stream %s: %w", s.name, err)
	}
	s.known(is, err)
}

// complain logs why there is no stream, not more often than every complainEvery: whoever needs it asks again.
func (s *stream) complain(err error) {
	s.mu.Lock()
	now := time.Now()
	quiet := now.Sub(s.complained) < complainEvery
	if !quiet {
		s.complained = now
	}
	s.mu.Unlock()
	if !quiet {
		s.engine.config.Logger.Warn("engine: no stream", "stream", s.name, "error", err.Error())
	}
}

// known takes what the stream is, or why that is not known, and tells all who wait.
func (s *stream) known(is *identity, err error) {
	s.mu.Lock()
	was, good := s.is, err == nil
	if err != nil && was != nil { // what could be done before still can be; compare tries again
		is, err = was, nil
	}
	for len(s.waiting) > 0 {
		waiting := s.waiting
		s.waiting = nil
		s.mu.Unlock()
		for _, do := range waiting {
			do(is, err)
		}
		s.mu.Lock()
	}
	if err == nil {
		s.is = is
	}
	s.asking = false
	more := good && !is.limits().cover(s.wanted)
	s.raising = more
	changed := err == nil && was != nil && was.epoch != is.epoch
	var open []*log
	if changed {
		open = append(open, s.open...)
	}
	s.mu.Unlock()
	if more {
		s.check()
	}
	if changed {
		s.engine.config.Logger.Error("engine: the stream was lost, and made anew", "stream", s.name, "epoch", is.epoch)
		s.floor.Store(0)
		for _, w := range s.engine.wides.all() {
			if w.stream == s {
				w.begin(is, nil)
			}
		}
		for _, l := range open {
			l.lost(is)
		}
	}
}

// doubt has all streams checked that were known.
func (e *Engine) doubt() {
	for _, s := range e.allStreams() {
		s.mu.Lock()
		known := s.is != nil
		s.mu.Unlock()
		if known {
			s.check()
		}
	}
}

// start runs do on a goroutine, unless the engine is closed.
func (e *Engine) start(do func()) (started bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.closed {
		e.running.Go(do)
	}
	return !e.closed
}
