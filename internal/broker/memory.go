package broker

import (
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// MemoryConfig is what a Memory works with. The zero value is usable.
type MemoryConfig struct {
	// MaxBytes bounds the memory of all history, of all idempotency keys and of all cursors, in bytes; a quarter of it is for the keys,
	// an eighth for the cursors, the rest for the history, so that none can use up what is another's. Above it a channel gives up the
	// oldest that it keeps for what it publishes, and keeps nothing where that is not enough: a channel takes nothing from the others.
	// A user who comes when there is no room for another cursor has none. Default 256 MiB.
	MaxBytes int64
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// Memory is the engine in the process: a channel's log lives exactly as long as it is open, and answers at once.
type Memory struct {
	// Immutable after NewMemory.
	config MemoryConfig
	none   past // what logs have that keep nothing: they cost nothing for it

	// Shared: atomic.
	history, keys, cursors hold
	cursorCounts           cursorCounts
}

// hold is what all logs of an engine keep of one kind.
type hold struct {
	max     int64        // bytes; immutable
	bytes   atomic.Int64 // that are kept
	givenUp atomic.Int64 // records, or keys, given up because of max
}

// fits tells whether there would be room for so many bytes.
func (h *hold) fits(cost int64) bool { return h.bytes.Load()+cost <= h.max }

// charge takes so many bytes, if there are.
func (h *hold) charge(cost int64) bool {
	if h.bytes.Add(cost) <= h.max {
		return true
	}
	h.bytes.Add(-cost)
	return false
}

// NewMemory makes an engine without channels.
func NewMemory(config MemoryConfig) *Memory {
	if config.MaxBytes == 0 {
		config.MaxBytes = 256 << 20
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	m := &Memory{config: config}
	m.keys.max = config.MaxBytes / 4
	m.cursors.max = config.MaxBytes / 8
	m.history.max = config.MaxBytes - m.keys.max - m.cursors.max
	m.none.engine = m
	return m
}

// MemoryStats say what a Memory holds, and what it gave up because MaxBytes was reached.
type MemoryStats struct {
	HistoryBytes int64
	KeyBytes     int64
	Publications int64 // given up before their time, or never kept
	Keys         int64 // likewise
	Cursors      CursorStats
}

// Stats is a snapshot. Safe from any goroutine.
func (m *Memory) Stats() MemoryStats {
	return MemoryStats{
		HistoryBytes: m.history.bytes.Load(), KeyBytes: m.keys.bytes.Load(),
		Publications: m.history.givenUp.Load(), Keys: m.keys.givenUp.Load(),
		Cursors: m.cursorStats(),
	}
}

// Short tells that more than three quarters of the room for history are taken. Safe from any goroutine.
func (m *Memory) Short() bool { return m.history.bytes.Load() > m.history.max/4*3 }

// Open begins a new log with an epoch of its own.
func (m *Memory) Open(_ string, r Retention, sink Sink) Log {
	l := &memoryLog{sink: sink, epoch: rand.Uint64(), past: &m.none}
	if r.Size > 0 || r.Cursors > 0 {
		l.SetRetention(r)
	}
	return l
}

// memoryLog is 48 B; what it keeps is extra.
type memoryLog struct {
	// Immutable after Open.
	sink  Sink
	epoch uint64 // formatted when asked for: 8 B a channel instead of 24

	// Guarded by mu, which is held while delivering: that makes giving an offset, delivering and keeping one step.
	mu     sync.Mutex
	offset uint64
	past   *past // the engine's none while there is none
}

func (l *memoryLog) Publish(p *Publication, _ func(Result, error)) (Result, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if first, known := l.past.resultOf(p.IdempotencyKey); known {
		first.Repeated = true
		return first, nil
	}
	delivered, err := l.sink.Deliver(p, l.offset+1, l.offset)
	if err != nil {
		return Result{}, err // nobody has seen the offset: the next publication gets it
	}
	l.offset++
	result := Result{Position: l.position(), Matched: delivered.Matched}
	if l.past.retention.Size > 0 {
		l.past.keep(Record{p, l.offset, l.offset - 1})
	}
	if p.IdempotencyKey != "" {
		l.own().remember(p.IdempotencyKey, result)
	}
	result.Receipt = delivered.Receipt // whoever repeats it gets none
	return result, nil
}

func (l *memoryLog) Position(done func(Position, error)) {
	l.mu.Lock()
	position := l.position()
	l.mu.Unlock()
	done(position, nil)
}

func (l *memoryLog) Recover(q RecoverQuery, done func(Past, error)) {
	l.mu.Lock()
	answer := l.recover(q)
	l.mu.Unlock()
	done(answer, nil)
}

func (l *memoryLog) recover(q RecoverQuery) Past {
	l.past.expire()
	answer := Past{Position: l.position()}
	if c := l.past.cursors.of(q.User); c != nil {
		at := c.offset
		answer.Cursor = &at
		q.Since = Earlier(q.Since, Position{answer.Position.Epoch, at})
	}
	records := &l.past.records
	if l.covers(q.Since, answer.Position.Epoch) {
		from, bytes := records.after(q.Since.Offset), int64(0)
		few := q.Limit == 0 || records.n-from <= q.Limit
		for i := from; few && i < records.n && bytes <= q.MaxBytes; i++ {
			bytes += int64(len(records.at(i).Data))
		}
		if few && bytes <= q.MaxBytes {
			answer.Exact, answer.Publications = true, records.records(from, records.n)
			return answer
		}
	}
	if q.Latest && records.n > 0 {
		answer.Publications = records.records(records.n-1, records.n)
	}
	return answer
}

func (l *memoryLog) History(q HistoryQuery, done func(Past, error)) {
	l.mu.Lock()
	answer := l.history(q)
	l.mu.Unlock()
	done(answer, nil)
}

func (l *memoryLog) history(q HistoryQuery) Past {
	l.past.expire()
	answer := Past{Position: l.position()}
	answer.Exact = l.covers(q.Since, answer.Position.Epoch)
	records := &l.past.records
	if q.Since == nil {
		from, bytes := records.n, int64(0)
		for from > 0 && records.n-from < q.Limit {
			if bytes += int64(len(records.at(from - 1).Data)); bytes > q.MaxBytes && from < records.n {
				break
			}
			from--
		}
		answer.Publications = records.records(from, records.n)
		return answer
	}
	from := 0
	if answer.Exact {
		from = records.after(q.Since.Offset)
	}
	to, bytes := from, int64(0)
	for to < records.n && to-from < q.Limit {
		if bytes += int64(len(records.at(to).Data)); bytes > q.MaxBytes && to > from {
			break
		}
		to++
	}
	answer.Publications = records.records(from, to)
	return answer
}

// covers tells whether everything that was published since a position is kept.
func (l *memoryLog) covers(since *Position, epoch string) bool {
	if since == nil || since.Epoch != epoch || since.Offset > l.offset {
		return false
	}
	floor := l.offset // where nothing is kept, only who has seen all of it misses nothing
	if l.past.records.n > 0 {
		floor = l.past.records.at(0).Prev
	}
	return since.Offset >= floor
}

func (l *memoryLog) SetRetention(r Retention) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r == l.past.retention {
		return
	}
	past := l.own()
	past.expire() // what was too old stays gone, even if it would not be any more
	past.retention = r
	past.expire()
	past.records.fit()
	past.fitCursors()
}

func (l *memoryLog) Trim() (keeps bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	past := l.past
	past.expire()
	past.records.fit()
	if keeps = past.records.n > 0 || past.keys.len() > 0 || past.keepsCursors(); !keeps && past.retention.Size == 0 && past.retention.Cursors == 0 {
		l.past = &past.engine.none
	}
	return keeps
}

func (l *memoryLog) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.past.clear()
	l.past = &l.past.engine.none
}

func (l *memoryLog) position() Position {
	return Position{Epoch: strconv.FormatUint(l.epoch, 36), Offset: l.offset}
}

// own is the log's own past, made if it has none.
func (l *memoryLog) own() *past {
	if engine := l.past.engine; l.past == &engine.none {
		l.past = &past{engine: engine}
	}
	return l.past
}
