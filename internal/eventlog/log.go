package eventlog

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// queueLines and queueBytes bound what waits to be written: some 0.5 MB, and the data that hashes are made of.
	queueLines = 4096
	queueBytes = 4 << 20
)

// Log writes the logs that Configure has asked for. Safe from any goroutine.
type Log struct {
	// Immutable after New.
	logger *slog.Logger
	now    func() time.Time
	lines  chan line
	swaps  chan *swap
	quit   chan struct{}

	// Shared: atomic. nil: that log is off.
	push   atomic.Pointer[Push]
	access atomic.Pointer[Access]

	counts    [numStreams]counts
	published atomic.Uint64 // publications that were there to be sampled
	queued    atomic.Int64  // bytes that the queued lines keep

	opened openings

	configuring sync.Mutex // held by Configure, Reopen and Close, which wait for the writing goroutine
	settings    Settings   // guarded by configuring
	started     bool       // likewise: there is a writing goroutine
	ended       bool       // likewise
	writing     sync.WaitGroup
}

// counts are a log's.
type counts struct{ written, dropped atomic.Int64 }

// New makes a Log that writes nothing yet. logger is the main log.
func New(logger *slog.Logger, now func() time.Time) *Log {
	return &Log{logger: logger, now: now}
}

// Configure has it go on as the settings say, and opens their files anew. An error: nothing has changed.
func (e *Log) Configure(s Settings) error {
	e.configuring.Lock()
	defer e.configuring.Unlock()
	return e.configure(s)
}

// Reopen opens the files anew, for those who have moved them away. An error: what was open stays so.
func (e *Log) Reopen() error {
	e.configuring.Lock()
	defer e.configuring.Unlock()
	return e.configure(e.settings)
}

func (e *Log) configure(s Settings) error {
	if e.ended || !e.started && !s.Push.Enabled && !s.Access.Enabled {
		return nil
	}
	sw, err := openSinks(s, e.logger)
	if err != nil {
		return err
	}
	if !e.started {
		e.started = true
		e.lines, e.swaps, e.quit = make(chan line, queueLines), make(chan *swap), make(chan struct{})
		e.writing.Go(func() { (&writer{log: e}).run() })
	}
	e.swaps <- sw
	<-sw.done
	e.settings = s
	e.push.Store(nil)
	if s.Push.Enabled {
		e.push.Store(&s.Push)
	}
	e.access.Store(nil)
	if s.Access.Enabled {
		e.access.Store(&s.Access)
	}
	if !s.Access.Enabled || !s.Access.Connections {
		e.opened.clear()
	}
	return nil
}

// Close writes what waits, and closes the files. What comes afterwards is not written.
func (e *Log) Close() {
	e.configuring.Lock()
	defer e.configuring.Unlock()
	e.push.Store(nil)
	e.access.Store(nil)
	if e.started && !e.ended {
		close(e.quit)
		e.writing.Wait()
	}
	e.ended = true
}

// PushWanted tells whether a publication is to be logged: all that failed are, and of the others one of as many as the settings say. It counts, so
// it is asked once for each.
func (e *Log) PushWanted(failed bool) bool {
	s := e.push.Load()
	return s != nil && (failed || (e.published.Add(1)-1)%uint64(s.Every) == 0)
}

// Pushes tells whether publications are logged.
func (e *Log) Pushes() bool { return e.push.Load() != nil }

// Push logs a publication for which PushWanted was true. It keeps the data for a moment, if the settings want something of it: it must not be changed.
func (e *Log) Push(p Pushed) {
	s := e.push.Load()
	if s == nil {
		return
	}
	p.User = short(p.User)
	l := &pushLine{Pushed: p, bytes: len(p.Data), every: s.Every, data: s.Data}
	switch s.Data {
	case DataHash:
	case DataHead:
		l.Data = append([]byte(nil), p.Data[:min(len(p.Data), s.HeadBytes)]...)
	default:
		l.Data = nil
	}
	e.put(line{pushes, e.now(), len(l.Data), l})
}

// Handshake logs a handshake, and notes when the connection was opened, if its end will be wanted. number is the client's.
func (e *Log) Handshake(h Handshake, number uint64) {
	s := e.access.Load()
	if s == nil {
		return
	}
	now := e.now()
	if s.Connections && h.Client != "" {
		e.opened.add(number, now)
	}
	e.put(line{accesses, now, 0, &handshakeLine{h, s.Address.of(h.Address)}})
}

// Requests tells whether requests are logged.
func (e *Log) Requests() bool { return e.access.Load() != nil }

// Request logs a request to the API.
func (e *Log) Request(r Request) {
	if s := e.access.Load(); s != nil {
		r.Method, r.Path = short(r.Method), short(r.Path) // a path may be as long as a request's head, and thousands wait
		e.put(line{accesses, e.now(), 0, &requestLine{r, s.Address.of(r.Address)}})
	}
}

// Ends tells whether the ends of connections are logged.
func (e *Log) Ends() bool {
	s := e.access.Load()
	return s != nil && s.Connections
}

// End logs the end of a connection. It fills in how long that lasted, as far as it was there when it was opened.
func (e *Log) End(c Closed, number uint64) {
	s := e.access.Load()
	if s == nil || !s.Connections {
		return
	}
	now := e.now()
	if opened, ok := e.opened.take(number); ok {
		c.Lasted = now.Sub(opened)
	}
	c.User = short(c.User)
	e.put(line{accesses, now, 0, &closedLine{c, s.Address.of(c.Address)}})
}

// put queues a line, or drops it: nobody waits.
func (e *Log) put(l line) {
	if e.queued.Add(int64(l.size)) <= queueBytes {
		select {
		case e.lines <- l:
			return
		default:
		}
	}
	e.queued.Add(-int64(l.size))
	e.counts[l.to].dropped.Add(1)
}

// Stats are how many lines each log has, and how many were dropped instead.
type Stats struct{ Pushes, PushesDropped, Accesses, AccessesDropped int64 }

// Stats are those so far.
func (e *Log) Stats() Stats {
	p, a := &e.counts[pushes], &e.counts[accesses]
	return Stats{p.written.Load(), p.dropped.Load(), a.written.Load(), a.dropped.Load()}
}

// openings are when connections were opened, by their clients' numbers.
type openings struct {
	shards [64]struct {
		sync.Mutex
		at map[uint64]int64 // Unix time in nanoseconds
	}
}

func (o *openings) add(number uint64, at time.Time) {
	s := &o.shards[number%uint64(len(o.shards))]
	s.Lock()
	defer s.Unlock()
	if s.at == nil {
		s.at = make(map[uint64]int64)
	}
	s.at[number] = at.UnixNano()
}

func (o *openings) take(number uint64) (time.Time, bool) {
	s := &o.shards[number%uint64(len(o.shards))]
	s.Lock()
	defer s.Unlock()
	at, ok := s.at[number]
	delete(s.at, number)
	return time.Unix(0, at), ok
}

func (o *openings) clear() {
	for i := range o.shards {
		s := &o.shards[i]
		s.Lock()
		s.at = nil
		s.Unlock()
	}
}
