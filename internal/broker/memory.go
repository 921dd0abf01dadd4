package broker

import (
	"math/rand/v2"
	"strconv"
	"sync"
)

// Memory is the engine in the process: a channel's log lives exactly as long as it is open, keeps no history and answers at
// once. The zero value is ready.
type Memory struct{}

// Open begins a new log with an epoch of its own.
func (Memory) Open(_ string, sink Sink) Log {
	return &memoryLog{sink: sink, epoch: rand.Uint64()}
}

type memoryLog struct {
	// Immutable after Open.
	sink  Sink
	epoch uint64 // formatted when asked for: 8 B a channel instead of 24

	// Guarded by mu, which is held while delivering: that makes giving an offset and delivering one step.
	mu     sync.Mutex
	offset uint64
}

func (l *memoryLog) Publish(p *Publication, _ func(Result, error)) (Result, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	matched, err := l.sink.Deliver(p, l.offset+1, l.offset)
	if err != nil {
		return Result{}, err // nobody has seen the offset: the next publication gets it
	}
	l.offset++
	return Result{Position: l.position(), Matched: matched}, nil
}

func (l *memoryLog) Position(done func(Position, error)) {
	l.mu.Lock()
	position := l.position()
	l.mu.Unlock()
	done(position, nil)
}

func (l *memoryLog) Close() {}

func (l *memoryLog) position() Position {
	return Position{Epoch: strconv.FormatUint(l.epoch, 36), Offset: l.offset}
}
