package jetstream

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/wsedge/wsedge/internal/broker"
)

// Keys of a stream's metadata.
const (
	metaEpoch  = "wsedge_epoch"
	metaRaised = "wsedge_raised" // the last sequence when its limits were raised: before it, less was kept
)

// ageMargin is added to how long a namespace's history is kept, so that what has to be proven about the past can be: age is enforced when it is read. clockSkew
// is how far the clocks of servers and nodes may be apart.
const (
	ageMargin = 2 * time.Minute
	clockSkew = 30 * time.Second
)

// complainEvery is how often the log says that there is no stream.
const complainEvery = 10 * time.Second

// bareAge is how long the last publication of a channel without history is kept. It shows that nothing is missing behind it.
const bareAge = time.Hour

// identity is what a stream is, as far as its limits and the epoch go. It is not to be changed.
type identity struct {
	epoch      string
	perSubject int64         // publications of a channel that are kept
	maxAge     time.Duration // 0: however long
	raised     uint64
	in, out    string // what subjects begin with: where publications go, and where they come back
}

// limits are what a stream has to keep.
type limits struct {
	perSubject int64
	maxAge     time.Duration // 0: however long
}

// limitsOf is what it takes to keep that: one more than promised, which proves that nothing is missing behind it.
func limitsOf(r broker.Retention) limits {
	switch {
	case r.Size == 0:
		return limits{1, bareAge}
	case r.Age == 0:
		return limits{int64(r.Size) + 1, 0}
	}
	return limits{int64(r.Size) + 1, max(r.Age+ageMargin, bareAge)}
}

// limits are what the stream keeps.
func (is *identity) limits() limits { return limits{is.perSubject, is.maxAge} }

// cover tells whether l keeps everything that other does.
func (l limits) cover(other limits) bool {
	return l.perSubject >= other.perSubject && (l.maxAge == 0 || other.maxAge != 0 && l.maxAge >= other.maxAge)
}

// with keeps what both do.
func (l limits) with(other limits) limits {
	both := limits{max(l.perSubject, other.perSubject), max(l.maxAge, other.maxAge)}
	if l.maxAge == 0 || other.maxAge == 0 {
		both.maxAge = 0
	}
	return both
}

// stream is a namespace's. Its limits grow with what channels promise, and never shrink by themselves: other nodes may still promise more.
type stream struct {
	// Immutable after newStream.
	engine *Engine
	name   string
	token  string // the namespace's

	// Guarded by mu.
	mu       sync.Mutex
	wanted   limits
	is       *identity // nil until it is known
	asking   bool
	raising  bool                     // what is asked for next waits until more is kept
	waiting  []func(*identity, error) // in their order
	open     []*log                   // that are live
	compared int                      // index into open, from which on comparing goes on

	complained time.Time
}

func newStream(e *Engine, namespace string) *stream {
	s := &stream{engine: e, name: e.config.Prefix, token: namespaceToken(namespace), wanted: limits{1, bareAge}}
	if namespace != "" {
		s.name += "_" + token(namespace)
	}
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
	if !again {
		s.engine.start(s.ask)
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
		for _, l := range open {
			l.lost(is)
		}
	}
}

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
	if err != nil || is.limits().cover(wanted) {
		return is, err
	}
	if info, err = s.raise(ctx, info.Config, is.limits().with(wanted)); err != nil {
		return nil, err
	}
	return s.identityOf(info)
}

// raise changes the stream's limits. While it does, the metadata say that nothing is known about how much was kept.
func (s *stream) raise(ctx context.Context, c jetstream.StreamConfig, to limits) (*jetstream.StreamInfo, error) {
	c.MaxMsgsPerSubject, c.MaxAge = to.perSubject, to.maxAge
	c.Duplicates = s.duplicates(to)
	c.Metadata[metaRaised] = strconv.FormatUint(math.MaxUint64, 10)
	changed, err := s.engine.js.UpdateStream(ctx, c)
	if err != nil {
		return nil, err
	}
	c.Metadata[metaRaised] = strconv.FormatUint(changed.CachedInfo().State.LastSeq, 10)
	if changed, err = s.engine.js.UpdateStream(ctx, c); err != nil {
		return nil, err
	}
	return changed.CachedInfo(), nil
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
		FirstSeq:    c.FirstOffset(),
		Metadata:    map[string]string{metaEpoch: epoch, metaRaised: "0"},
	}
}

// subjects are what the subjects of an epoch begin with.
func (s *stream) subjects(epoch string) (in, out string) {
	behind := s.token + "." + epoch + "."
	return s.engine.config.Prefix + ".in." + behind, s.engine.config.Prefix + ".out." + behind
}

// identityOf reads what a stream is. An error: it is not wsedge's.
func (s *stream) identityOf(info *jetstream.StreamInfo) (*identity, error) {
	c := &info.Config
	is := &identity{epoch: c.Metadata[metaEpoch], perSubject: c.MaxMsgsPerSubject, maxAge: c.MaxAge}
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
func (e *Engine) start(do func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.closed {
		e.running.Go(do)
	}
}
