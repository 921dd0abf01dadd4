package limit

import (
	"sync"
	"sync/atomic"
)

// shards is how many parts a table has, each with a mutex of its own: enough that a few loops seldom meet.
const shards = 32

// shardOf spreads keys, also those of neighbouring addresses.
func shardOf(k Key) uint64 { return (k.high ^ k.low*0x9e3779b97f4a7c15) * 0x9e3779b97f4a7c15 >> 59 }

// Counters count what each key has at the moment. An entry goes with its last count, so that there are never more than
// there are things counted; about 48 B each. Safe from any goroutine.
type Counters struct {
	keys   atomic.Int64
	most   int64
	shards [shards]counterShard
}

type counterShard struct {
	mu sync.Mutex
	of map[Key]int32
}

// NewCounters makes counters for at most so many keys. Take refuses a key that would be one too many.
func NewCounters(keys int) *Counters { return &Counters{most: int64(keys)} }

// Take counts one more for the key, unless it has limit already, or the table is full.
func (c *Counters) Take(k Key, limit int) bool {
	s := &c.shards[shardOf(k)]
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.of[k]
	if int(n) >= limit {
		return false
	}
	if n == 0 {
		if c.keys.Add(1) > c.most {
			c.keys.Add(-1)
			return false
		}
		if s.of == nil {
			s.of = make(map[Key]int32)
		}
	}
	s.of[k] = n + 1
	return true
}

// Give takes one count of the key back: each Take that succeeded is given back once.
func (c *Counters) Give(k Key) {
	s := &c.shards[shardOf(k)]
	s.mu.Lock()
	defer s.mu.Unlock()
	switch n := s.of[k]; {
	case n > 1:
		s.of[k] = n - 1
	case n == 1:
		delete(s.of, k)
		c.keys.Add(-1)
	}
}

// Of is what the key has.
func (c *Counters) Of(k Key) int {
	s := &c.shards[shardOf(k)]
	s.mu.Lock()
	defer s.mu.Unlock()
	return int(s.of[k])
}

// Keys is how many keys have anything.
func (c *Counters) Keys() int { return int(c.keys.Load()) }
